"""How often a quote passes as an answer: true ones, and what a reader quotes that says 'reported' to everything.

    python benchmarks/verifying.py DATA

Cells under the bundled codebooks of the gold's papers (coded by a language model) and of the demo papers. The quotes'
model was fitted on these papers.
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))
from corpus import BUNDLED, coded_cells, whole_papers

from quoth.models.encoder import Encoder
from quoth.readers.embedded import QUOTE_THRESHOLD
from quoth.readers.verify import Said, Verifier, is_verified
from quoth.vocabulary import Document, SectionKind

SEED = 3
LENGTH = 60  # characters: shorter sentences are scraps


def first_of_abstract(document: Document) -> str:
    """The first sentence of the abstract, or of the paper where none is headed so."""
    long = [sentence for sentence in document.sentences if sentence.end - sentence.start > LENGTH]
    kinds = [document.sections[document.blocks[sentence.block].section].kind for sentence in long]
    chosen = long[kinds.index(SectionKind.ABSTRACT)] if SectionKind.ABSTRACT in kinds else long[0]
    return " ".join(document.text[chosen.start : chosen.end].split())


def main() -> None:
    data, encoder, chance = Path(sys.argv[1]), Encoder(threads=2), np.random.default_rng(SEED)
    papers = whole_papers(data, encoder)
    verifiers = {name: Verifier(paper, encoder) for name, paper in papers.items()}
    passed: dict[str, list[bool]] = defaultdict(list)
    for cell in coded_cells(data, papers):
        if cell.group.split()[1] not in BUNDLED:
            continue
        document = papers[cell.paper].document
        if cell.reported:
            said = {"a coded quote": " ".join(cell.quotes[0].split())} if cell.quotes else {}
        else:
            drawn = document.sentences[chance.integers(len(document.sentences))]
            any_ = " ".join(document.text[drawn.start : drawn.end].split())
            said = {"the abstract's first sentence": first_of_abstract(document), "a sentence drawn by chance": any_}
        for what, text in said.items():
            (quote,) = verifiers[cell.paper].quotes(cell.question, [Said(text)])
            if quote.score is not None:
                passed[what].append(is_verified(quote))
    print(f"| located quote | passes at {QUOTE_THRESHOLD} |\n| --- | --- |")
    for what, verdicts in passed.items():
        print(f"| {what} | {np.mean(verdicts):.3f} of {len(verdicts)} |")


if __name__ == "__main__":
    main()
