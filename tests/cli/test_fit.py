"""`spor fit`: the figures of lme4 and nlme from files, candidates of links, and one clear line for what is wrong."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.cli.commands import REFERENCE, answer, refusal, run, simulated

SLEEP = (REFERENCE / "sleepstudy.csv", "--id", "subject", "--time", "days", "--score", "reaction")
DRIFTING = (REFERENCE / "drifting.csv", "--weeks", "week")


def file_of(folder: Path, text: str) -> Path:
    file = folder / "scores.csv"
    file.write_text(text, encoding="utf-8")
    return file


class TestThePlainModel:
    @pytest.mark.parametrize(
        ("method", "loglik", "sd_intercept", "sd_residual"),
        [("ml", -875.9697, 23.780, 25.592), ("reml", -871.8141, 24.741, 25.592)],
    )
    def test_sleepstudy(
        self, capsys: pytest.CaptureFixture[str], method: str, loglik: float, sd_intercept: float, sd_residual: float
    ) -> None:
        """lme4: lmer(Reaction ~ Days + (Days | Subject)), as its documentation prints it, and with REML = FALSE."""
        told = answer(capsys, "fit", *SLEEP, "--basis", "linear", "--method", method)
        assert (told["n_episodes"], told["n_observations"], told["method"]) == (18, 180, method)
        assert told["loglik"] == pytest.approx(loglik, abs=1e-4)
        assert told["fixed"]["intercept"]["estimate"] == pytest.approx(251.405, abs=1e-3)
        assert told["fixed"]["slope"]["estimate"] == pytest.approx(10.467, abs=1e-3)
        assert told["random"]["sd_intercept"] == pytest.approx(sd_intercept, abs=2e-3)
        assert told["residual"]["sd"] == pytest.approx(sd_residual, abs=1e-3)
        assert told["converged"] is True
        assert told["warnings"] == []

    def test_reml_is_what_it_is_without_a_method(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert answer(capsys, "fit", *SLEEP, "--basis", "linear")["loglik"] == pytest.approx(-871.8141, abs=1e-4)

    def test_covariates_by_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        """BtheB: the treatment as a column of its own."""
        named = ("--id", "subject", "--time", "month", "--score", "bdi", "--covariates", "treatment")
        told = answer(capsys, "fit", REFERENCE / "btheb.csv", *named)
        assert list(told["fixed"]) == ["intercept", "slope", "treatment"]

    def test_standard_input(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        text = "id,dose,weeks,score\n" + "".join(
            f"{number},{dose},{dose},{score}\n"
            for number, scores in enumerate(([15, 13, 12, 9], [20, 16, 13, 9], [11, 10, 7, 7], [17, 16, 17, 15]))
            for dose, score in enumerate(scores)
        )
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        told = answer(capsys, "fit", "-", "--basis", "linear", "--method", "ml")
        assert told["fixed"]["intercept"]["estimate"] == pytest.approx(15.75)  # the means of four lines, all complete


class TestTheFullModel:
    def test_drift_and_noise_as_nlme_has_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The figures of nlme's corExp with a nugget: see tests/trajectories/test_fitting.py."""
        told = answer(capsys, "fit", *DRIFTING, "--residual", "ou")
        assert told["loglik"] == pytest.approx(-2482.4030099275, abs=1e-4)
        assert told["residual"]["ou_time_constant"] == pytest.approx(4.102116, rel=1e-3)
        assert told["residual"]["nugget_variance"] == pytest.approx(0.35312506 * 3.505447**2, rel=1e-3)
        assert told["fixed"]["slope"]["se"] == pytest.approx(0.2413087, rel=5e-3)
        assert told["link"] == "identity"
        assert told["shapes"] == [{"shape": "early", "share": 1.0, "se": None}]

    def test_lines_along_the_dose(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Slopes are told by dose, as the plain model's are; some of what persons differ by may be drift."""
        plain = answer(capsys, "fit", *SLEEP, "--basis", "linear", "--method", "ml")
        full = answer(capsys, "fit", *SLEEP, "--basis", "linear", "--residual", "ou")
        assert full["loglik"] >= plain["loglik"] - 1e-4
        assert full["fixed"]["slope"]["estimate"] == pytest.approx(plain["fixed"]["slope"]["estimate"], rel=0.05)
        assert full["fixed"]["slope"]["se"] == pytest.approx(plain["fixed"]["slope"]["se"], rel=0.2)
        assert full["random"]["sd_slope"] == pytest.approx(plain["random"]["sd_slope"], rel=0.3)

    def test_beside_the_published_curve(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        file = simulated(capsys, tmp_path, "--patients", 80, "--sessions", 9)
        told = answer(capsys, "fit", file, "--instrument", "phq-9", "--prior", "default")
        assert told["warnings"] == ["few_episodes"]
        assert set(told["held"]) == {"drift_weeks", "worsening"} | {
            f"share_{shape}" for shape in ("early", "linear", "late", "worsening")
        }
        assert 0 < told["local_information"] < 1
        assert told["natural_fall"] == 2.55
        assert told["curve"]["key"] == "fitted"
        assert told["fixed"]["intercept"]["estimate"] == pytest.approx(14.4, abs=1.5)

    def test_a_fitted_curve_tracks(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        file = simulated(capsys, tmp_path, "--patients", 40, "--sessions", 6)
        _, out, _ = run(capsys, "fit", file, "--instrument", "phq-9", "--prior", "default")
        fitted = tmp_path / "fitted.json"
        fitted.write_text(out, encoding="utf-8")
        code, out, _ = run(capsys, "track", file, "--instrument", "phq-9", "--curve", fitted)
        assert code == 0
        assert out.count('"curve": "fitted"') == 240

    def test_all_four_shapes_without_a_prior(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        file = simulated(capsys, tmp_path, "--patients", 40, "--sessions", 6)
        options = ("--shapes", 4, "--link", "arcsine")
        told = answer(capsys, "fit", file, "--instrument", "phq-9", *options)
        assert sum(each["share"] for each in told["shapes"]) == pytest.approx(1)
        assert "worsening" in told["fixed"]

    def test_the_link_that_foretells_best(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        file = simulated(capsys, tmp_path, "--patients", 60, "--sessions", 8, "--scenario", "truth_logit")
        told = answer(capsys, "fit", file, "--instrument", "phq-9", "--link", "auto")
        assert told["link"] == "logit"
        assert set(told["link_choice"]["behind"]) == {"identity", "arcsine"}
        assert max(told["link_choice"]["log_scores"], key=told["link_choice"]["log_scores"].get) == "logit"

    def test_another_scale_by_its_ends(self, capsys: pytest.CaptureFixture[str]) -> None:
        named = ("--id", "subject", "--time", "month", "--score", "bdi", "--min", 0, "--max", 63)
        told = answer(capsys, "fit", REFERENCE / "btheb.csv", *named, "--link", "arcsine")
        assert told["curve"]["link"] == {"kind": "arcsine", "minimum": 0, "maximum": 63, "middle": 31.5}


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ("a,0,0,9\na,1,1,7\n", "a mixed model needs at least two episodes"),
            ("a,0,0,9\nb,0,0,7\n", "time is always the same, so nothing can be learnt from it"),
            ("a,0,0,9\na,1,1,9\nb,0,0,9\nb,1,1,9\n", "score is always the same, so nothing can be learnt from it"),
            ("a,0,0,nine\n", "{file}, line 2, column score: must be a number"),
            ("a,0,0,nan\n", "{file}, line 2, column score: must be a number"),
            ("a,0,x,9\n", "{file}, line 2, column weeks: must be a number"),
            ("a,0,0,9\na,0,0,8\n", "{file}, line 3: the episode has another score at the same time"),
            (
                "a,0,-2,9\n",
                "{file}, line 2: the time is before the baseline; --drop-negative leaves such scores out",
            ),
            ("a,0,0,\n", "{file}: there is no score"),
            ("a,0,0\n", "{file}, line 2: there must be a cell for each column"),
        ],
    )
    def test_one_line_names_it(self, capsys: pytest.CaptureFixture[str], tmp_path: Path, rows: str, says: str) -> None:
        file = file_of(tmp_path, "id,dose,weeks,score\n" + rows)
        assert refusal(capsys, "fit", file) == says.format(file=file)

    def test_scores_from_before_the_baseline_may_be_left_out(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        rows = "".join(f"{i},{d},{d},{15 - d + (i * d) % 3}\n{i},0,-{1 + i},20\n" for i in range(5) for d in range(4))
        rows = "\n".join(dict.fromkeys(rows.splitlines()))
        code, _, err = run(capsys, "fit", file_of(tmp_path, "id,dose,weeks,score\n" + rows + "\n"), "--drop-negative")
        assert (code, err) == (0, "spor: 5 scores from before the baseline were left out\n")

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (("--residual", "ou", "--method", "reml"), "--method reml goes with the plain model only"),
            (("--residual", "ou", "--covariates", "dose"), "--covariates go with the plain model only"),
            (("--link", "arcsine"), "--link needs the ends of the scale: --instrument, or --min and --max"),
            (
                ("--prior", "default"),
                "--prior default needs an --instrument with a published curve: phq-9 or gad-7",
            ),
            (
                ("--prior", "default", "--instrument", "phq-9", "--shapes", "2"),
                "--prior default has its own --basis, --residual, --shapes and --link",
            ),
            (
                ("--prior", "default", "--instrument", "phq-9", "--link", "auto"),
                "--link auto goes with --prior none: the prior has its own link",
            ),
            (("--basis", "linear", "--shapes", "2"), "--basis linear has one shape: --shapes 1"),
            (
                ("--shapes", "4", "--min", "-50", "--max", "50"),
                "--shapes 4 needs a reliable change: --instrument, or --reliable-change",
            ),
            (
                ("--instrument", "phq-9", "--min", "0"),
                "--instrument has its own --min, --max, --better",
            ),
            (("--min", "0"), "--min and --max must both be given"),
            (("--form", "self"), "--form goes with --instrument"),
            (("--instrument", "phq-8"), "there is no such instrument"),
            (("--instrument", "asrs-1.1"), "is not followed over time"),
            (("--instrument", "phq-9"), "each score must lie within the scale, 0 to 27"),
            (("--instrument", "phq-9", "--residual", "ou"), "a score lies outside the range of its scale"),
            (("--time", "dose", "--dose", "dose"), "--time stands for --dose and --weeks: name that, or those"),
            (("--score", "points"), "line 1: the columns must be id,dose,week,points"),
        ],
    )
    def test_options_that_contradict(
        self, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], says: str
    ) -> None:
        assert says in refusal(capsys, "fit", *DRIFTING, *options)

    def test_times_beyond_the_linear_shape(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        rows = "".join(f"{i},{30 * d},{30 * d},{15 - d + i % 3}\n" for i in range(4) for d in range(3))
        file = file_of(tmp_path, "id,dose,weeks,score\n" + rows)
        says = refusal(capsys, "fit", file, "--basis", "linear", "--residual", "ou")
        assert says == "--basis linear is flat from 20 on: give times in larger units"

    def test_no_answer_is_repeated(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert "secret" not in refusal(capsys, "fit", file_of(tmp_path, "id,dose,weeks,score\na,0,0,secret\n"))
