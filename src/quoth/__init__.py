"""quoth: ask every paper the same questions, believe only what a reader can quote."""
