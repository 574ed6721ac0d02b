"""Each statistic against the worked example of its source and against an independent package."""

import warnings

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score, f1_score, precision_score, recall_score
from statsmodels.stats.inter_rater import fleiss_kappa

from quoth.quorum import Terms, Votes, rule_on
from quoth.quorum.agreement import agreement, alpha, interval_alpha, of_sums, unit_sums
from quoth.quorum.dawid_skene import NO_PRIOR, dawid_skene
from quoth.quorum.evaluation import NO, UNDECIDED, YES, Gold, calibration, cohen, compare, figures, scores_of
from quoth.vocabulary import Kind, Question, Verdict, Vote

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from crowdkit.aggregation import DawidSkene as CrowdKit
    from irrCAC.raw import CAC

# Krippendorff 2011, example C: four observers, twelve units, values missing.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
        [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
    ]
)

# Fleiss 1971, table 1: thirty patients, six psychiatrists, five diagnoses; how many gave each.
FLEISS = """00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006""".split()

# Dawid and Skene 1979, table 1: forty-five patients; the first three digits are one observer's three readings.
DAWID_SKENE = """1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111
2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111
1111111 1212111 2322222 1211111 2222222""".split()


def counted(ratings: np.ndarray, k: int) -> np.ndarray:
    """How many put each unit into each category 1 to k, of a table observers x units."""
    return np.stack([(ratings == category).sum(0) for category in range(1, k + 1)], axis=1).astype(float)


def statistics(counts: np.ndarray) -> np.ndarray:
    return of_sums(unit_sums(counts).sum(0)[None], counts.shape[1])[0]


# Agreement


def test_krippendorffs_own_example() -> None:
    counts = counted(KRIPPENDORFF, 5)
    assert statistics(counts)[2] == pytest.approx(0.743, abs=0.0005)


def test_fleiss_own_example() -> None:
    counts = np.array([[float(digit) for digit in row] for row in FLEISS])
    assert counts.sum(1).tolist() == [6.0] * 30
    assert statistics(counts)[1] == pytest.approx(0.430, abs=0.0005)
    assert statistics(counts)[1] == pytest.approx(fleiss_kappa(counts))


def test_gwets_example_with_missing_ratings() -> None:
    """Handbook of Inter-Rater Reliability: percent 0.818, AC1 0.775, Fleiss 0.761, alpha 0.743 on the same ratings."""
    assert statistics(counted(KRIPPENDORFF, 5)) == pytest.approx([0.81818, 0.76117, 0.74342, 0.77544], abs=1e-5)


def test_kappa_is_not_defined_where_everything_is_alike() -> None:
    """And it is 0 where one reader says the same everywhere and the other does not."""
    alike, one_sided = np.array([[9.0, 0.0], [0.0, 0.0]]), np.array([[6.0, 0.0], [3.0, 0.0]])
    none, zero = cohen(np.stack([alike, one_sided]))
    assert np.isnan(none)
    assert zero == 0
    gold = Gold.of({(f"p{number}", "q"): True for number in range(9)})
    found = figures("a", gold, np.full(9, YES), draws=50)
    assert (found.accuracy, found.kappa, found.kappa_ci, found.constant_kappa) == (1.0, None, None, None)


def test_cohens_own_example() -> None:
    """Table 1 of Cohen 1960, of two hundred cases: 0.49."""
    table = np.array([[[88, 14, 18], [10, 40, 10], [2, 6, 12]]], float)
    assert cohen(table)[0] == pytest.approx(0.492, abs=0.0005)


ratings = arrays(np.int8, st.tuples(st.integers(2, 5), st.integers(3, 12)), elements=st.integers(0, 3))


@given(ratings)
@settings(max_examples=60, deadline=None)
def test_agreement_is_what_other_packages_say(table: np.ndarray) -> None:
    """Of a table observers x units, where 0 is missing."""
    values = np.where(table == 0, np.nan, table)
    if len(np.unique(table[table > 0])) < 2 or (np.sum(table > 0, axis=0) > 1).sum() < 2:
        return
    percent, fleiss, nominal, ac1 = statistics(counted(values, 3))
    # Units that nobody rated trouble irrCAC; it must know of categories that nobody chose.
    frame = pd.DataFrame(values.T).dropna(how="all")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        other = CAC(frame, categories=[1.0, 2.0, 3.0], digits=10)
        assert ac1 == pytest.approx(other.gwet()["est"]["coefficient_value"], abs=1e-6)
        assert percent == pytest.approx(other.gwet()["est"]["pa"], abs=1e-6)
        assert fleiss == pytest.approx(other.fleiss()["est"]["coefficient_value"], abs=1e-6)
        pairable = values[:, np.sum(table > 0, axis=0) > 1]
        if len(np.unique(pairable[~np.isnan(pairable)])) > 1:
            assert nominal == pytest.approx(krippendorff.alpha(values, level_of_measurement="nominal"), abs=1e-9)


def voted(table: np.ndarray, question: str = "q", **more: object) -> list[Vote]:
    """The cells of a table readers x papers as votes with values, where NaN is missing."""
    return [
        Vote(f"p{paper:03}", question, f"r{reader}", 0, Verdict.REPORTED.value, None, str(int(value)))
        for (reader, paper), value in np.ndenumerate(table)
        if not np.isnan(value)
    ]


@pytest.mark.parametrize(
    ("question", "metric", "value"),
    [
        (Question("q", "q", "?", Kind.CHOICE, choices=tuple("12345")), "nominal", 0.743),
        (Question("q", "q", "?", Kind.CHOICE, choices=tuple("12345")), "ordinal", 0.815),
        (Question("q", "q", "?", Kind.NUMBER), "interval", 0.849),
    ],
)
def test_alpha_of_values_by_the_kind_of_question(question: Question, metric: str, value: float) -> None:
    found = agreement(Votes.of(voted(KRIPPENDORFF)), {"q": question}, draws=200).questions[0].alpha_values[metric]
    assert found.value == pytest.approx(value, abs=0.0005)
    assert found.value == pytest.approx(krippendorff.alpha(KRIPPENDORFF, level_of_measurement=metric))
    assert found.ci is not None
    assert found.ci[0] < value < found.ci[1]


def test_alpha_of_what_does_not_vary_is_none() -> None:
    assert np.isnan(alpha(np.array([[[4.0, 0.0], [0.0, 0.0]]]))).all()
    assert np.isnan(interval_alpha(np.array([[4.0, 8.0, 16.0, 0.0]]))).all()


binary = arrays(np.int8, st.tuples(st.integers(2, 4), st.integers(2, 15)), elements=st.sampled_from([0, 1, 2]))


def verdicts(table: np.ndarray) -> Votes:
    """A table readers x papers: 1 reported, 0 not, 2 unclear."""
    names = (Verdict.NOT_REPORTED.value, Verdict.REPORTED.value, Verdict.UNCLEAR.value)
    return Votes.of(Vote(f"p{p:03}", "q", f"r{r}", 0, names[said]) for (r, p), said in np.ndenumerate(table))


@given(binary)
@settings(max_examples=60, deadline=None)
def test_each_pair_is_as_scikit_learn_says(table: np.ndarray) -> None:
    found = agreement(verdicts(table), {}, draws=0)
    for pair in found.overall.pairs:
        first, second = table[int(pair.first[1:])], table[int(pair.second[1:])]
        both = (first < 2) & (second < 2)
        assert pair.n == both.sum()
        assert pair.percent.value == pytest.approx((first == second)[both].mean())
        if len({*first[both], *second[both]}) > 1:
            assert pair.kappa.value == pytest.approx(cohen_kappa_score(first[both], second[both]))


@pytest.mark.parametrize(("papers", "has_intervals"), [(1, False), (4, False), (5, True)])
def test_a_few_papers_have_no_interval(papers: int, has_intervals: bool) -> None:
    said = [
        (f"p{p}", f"q{q}", reader, (p + q + (reader == "b" and q == 0)) % 2)
        for p in range(papers)
        for q in range(6)
        for reader in "ab"
    ]
    votes = Votes.of(Vote(p, q, reader, 0, "reported" if yes else "not_reported") for p, q, reader, yes in said)
    found = agreement(votes, {}, draws=50)
    assert found.papers == papers
    for statistic in (
        found.overall.percent,
        found.overall.alpha,
        found.overall.pairs[0].kappa,
        found.questions[0].percent,
    ):
        assert statistic.value is not None
        assert (statistic.ci is not None) == has_intervals
    gold = Gold.of({(p, q): bool(yes) for p, q, reader, yes in said if reader == "a"})
    wrong = np.where(np.arange(len(gold.truth)) % 5 == 0, ~gold.truth, gold.truth)
    assert (figures("b", gold, np.where(wrong, YES, NO), draws=50).accuracy_ci is not None) == has_intervals


def test_intervals_come_from_whole_papers() -> None:
    """Ten copies of each paper's cell say nothing new of papers: the interval must not shrink."""
    rng = np.random.default_rng(5)
    table = rng.integers(0, 2, (2, 40))
    table[1] = np.where(rng.random(40) < 0.8, table[0], table[1])
    names = ("not_reported", "reported")

    def votes(copies: int) -> Votes:
        return Votes.of(
            Vote(f"p{paper:02}", f"q{copy}", f"r{reader}", 0, names[said])
            for (reader, paper), said in np.ndenumerate(table)
            for copy in range(copies)
        )

    once, often = (agreement(votes(copies), {}).overall.pairs[0].kappa for copies in (1, 10))
    assert once.value == pytest.approx(often.value)
    assert once.ci == pytest.approx(often.ci)
    assert once.ci is not None
    assert 0.2 < once.ci[1] - once.ci[0] < 0.7


def test_question_by_question_and_together() -> None:
    cells = [("p1", "q1", 1, 1), ("p1", "q2", 1, 0), ("p2", "q1", 0, 0), ("p2", "q2", 0, 1)]
    names = ("not_reported", "reported")
    votes = [Vote(p, q, r, 0, names[v]) for p, q, *said in cells for r, v in zip("ab", said, strict=True)]
    found = agreement(Votes.of(votes), {}, draws=0)
    assert [one.percent.value for one in found.questions] == [1.0, 0.0]
    assert (found.overall.percent.value, found.overall.cells) == (0.5, 4)


# Dawid and Skene


def test_the_anaesthetists_of_dawid_and_skene() -> None:
    """Their estimates of the marginals and of the first observer's error rates, to the digits that they print."""
    votes = np.zeros((45, 5, 4))
    for patient, row in enumerate(DAWID_SKENE):
        for place, digit in enumerate(row):
            votes[patient, max(0, place - 2), int(digit) - 1] += 1
    fit = dawid_skene(votes, np.zeros(45, int), np.zeros(1, int), prior=NO_PRIOR)
    assert fit.prevalence[0] == pytest.approx([0.40, 0.42, 0.11, 0.07], abs=0.005)
    first = [[0.89, 0.11, 0.00, 0.00], [0.07, 0.88, 0.05, 0.00], [0.00, 0.34, 0.66, 0.00], [0.00, 0.00, 0.56, 0.44]]
    assert fit.rates[0, :, 0] == pytest.approx(np.array(first), abs=0.005)


@pytest.mark.parametrize("seed", range(4))
def test_without_priors_it_is_crowd_kits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(150) < 0.4
    right = rng.random((150, 6)) < rng.uniform(0.7, 0.95, 6)
    said = np.where(right, truth[:, None], ~truth[:, None])
    silent = rng.random(said.shape) < 0.1
    rows = [(i, f"r{r}", int(said[i, r])) for i, r in np.ndindex(said.shape) if not silent[i, r]]
    frame = pd.DataFrame(rows, columns=["task", "worker", "label"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = CrowdKit(n_iter=300, tol=1e-9).fit_predict_proba(frame)
    votes = np.stack([~said & ~silent, said & ~silent], axis=2).astype(float)
    fit = dawid_skene(votes, np.zeros(150, int), np.zeros(1, int), prior=NO_PRIOR, iterations=300, tolerance=1e-9)
    assert fit.belief[other.index.to_numpy(), 1] == pytest.approx(other[1].to_numpy(), abs=0.01)


@given(arrays(np.int8, st.tuples(st.integers(1, 2), st.integers(1, 12)), elements=st.sampled_from([0, 1, 2])))
@settings(max_examples=30, deadline=None)
def test_one_or_two_readers_are_a_plain_vote(table: np.ndarray) -> None:
    votes = verdicts(table)
    learned, plain = (rule_on(votes, Terms(rule=rule, unquoted="all")) for rule in ("dawid-skene", "majority"))
    assert (learned.outcome == plain.outcome).all()


@pytest.mark.parametrize("said", [0, 1])
def test_priors_keep_a_handful_of_cells_sane(said: int) -> None:
    """Three readers, four cells, of which they agree on three: agreement is not turned into its opposite."""
    table = np.array([[said, said, 1 - said, said], [said, said, 1 - said, 1 - said], [said, said, 1 - said, said]])
    votes = verdicts(table.astype(np.int8))
    learned, plain = (rule_on(votes, Terms(rule=rule, unquoted="all")) for rule in ("dawid-skene", "majority"))
    assert (learned.outcome == plain.outcome).all()


def test_it_learns_whom_to_trust() -> None:
    """Three good readers agree; four bad ones err at random, and would outvote them."""
    rng = np.random.default_rng(3)
    truth = rng.random(400) < 0.5
    good = [np.where(rng.random(400) < 0.95, truth, ~truth) for _ in range(3)]
    bad = [rng.random(400) < 0.5 for _ in range(4)]
    votes = verdicts(np.array([*good, *bad]).astype(np.int8))
    plain, learned = (rule_on(votes, Terms(rule=rule, unquoted="all")) for rule in ("majority", "dawid-skene"))
    right = [float(np.mean((ruling.outcome == 0) == truth)) for ruling in (plain, learned)]
    assert right[1] > 0.97 > right[0] + 0.05


# Evaluation


def gold_of(truth: np.ndarray) -> Gold:
    return Gold.of({(f"p{place:03}", "q"): bool(value) for place, value in enumerate(truth)})


pairs = arrays(np.int8, st.tuples(st.just(2), st.integers(4, 30)), elements=st.integers(0, 1))


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_figures_are_as_scikit_learn_says(table: np.ndarray) -> None:
    truth, said = table.astype(bool)
    found = figures("r", gold_of(truth), said.astype(np.int64), draws=0)
    assert found.accuracy == pytest.approx((truth == said).mean())
    if len({*truth.tolist(), *said.tolist()}) > 1:
        assert found.kappa == pytest.approx(cohen_kappa_score(truth, said))
    for value, score in ((found.precision, precision_score), (found.recall, recall_score), (found.f1, f1_score)):
        other = score(truth, said, zero_division=np.nan)
        assert (value is None and np.isnan(other)) or value == pytest.approx(other)


def test_the_constant_knows_the_other_papers_alone() -> None:
    cells = {("p1", "a"): True, ("p2", "a"): True, ("p3", "a"): False, ("p1", "b"): False, ("p2", "b"): True}
    gold = Gold.of(cells)
    said = dict(zip(gold.cells(), gold.constant().tolist(), strict=True))
    # Of 'a', p3 sees two that report; p1 and p2 see a tie, which is taken for reported. Of 'b' each sees the other.
    assert said == {("p1", "a"): True, ("p2", "a"): True, ("p3", "a"): True, ("p1", "b"): True, ("p2", "b"): False}


def test_undecided_and_failed_are_left_out_and_stand_as_errors() -> None:
    truth = np.array([True, True, False, False, True, False])
    found = figures("r", gold_of(truth), np.array([YES, NO, NO, UNDECIDED, -2, -3]), draws=0)
    assert (found.n, found.correct, found.undecided, found.failed, found.missing) == (5, 2, 1, 1, 1)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.as_errors.accuracy == pytest.approx(2 / 5)
    assert found.confusion.false_not_reported == 1


def test_intervals_cover_what_they_should() -> None:
    """Of 200 samples of papers from a known world, about 95 % of the intervals hold the true accuracy."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        truth = rng.random(60) < 0.5
        said = np.where(rng.random(60) < 0.8, truth, ~truth)
        low, high = figures("r", gold_of(truth), said.astype(np.int64), draws=300).accuracy_ci or (1, 0)
        held += low <= 0.8 <= high
    assert 180 <= held <= 198


def test_mcnemars_test_is_the_exact_binomial_one() -> None:
    """Ten discordant cells, nine for one reader: two-sided p = 22/1024."""
    truth = np.ones(20, bool)
    first = np.array([YES] * 19 + [NO])
    second = np.array([NO] * 9 + [YES] * 11)
    (found,) = compare(gold_of(truth), {"a": first, "b": second})
    assert (found.first_only, found.second_only, found.n) == (9, 1, 20)
    assert found.p == found.p_holm == pytest.approx(22 / 1024)


def test_brier_and_reliability() -> None:
    """Brier's score of forecasts 0.9, 0.9, 0.1, 0.6 for events yes, no, no, yes: 0.2475 by hand."""
    found = calibration(np.array([0.9, 0.9, 0.1, 0.6]), np.array([True, False, False, True]))
    assert found is not None
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.01 + 0.16) / 4)
    assert [(one.n, one.reported) for one in found.curve] == [(1, 0.0), (1, 1.0), (2, 0.5)]
    assert found.error == pytest.approx((0.1 + 0.4 + 2 * 0.4) / 4)
    assert calibration(np.array([]), np.array([], bool)) is None


def test_scores_have_no_value_where_there_is_nothing() -> None:
    assert np.isnan(scores_of(np.zeros((1, 4)))).all()
