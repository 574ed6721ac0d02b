"""The bundled demo study: six fictional papers, and the truth about them by construction (`truth.csv`)."""
