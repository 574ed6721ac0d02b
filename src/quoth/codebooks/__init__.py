"""The bundled codebooks: one TOML file each, named as in `study.toml` (`codebook = "dl-methods"`)."""
