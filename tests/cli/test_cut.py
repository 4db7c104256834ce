"""``cut`` writes one image per character."""

from skcaptcha.datasets import load_captchas
from skcaptcha.images import decode


def test_cut_with_a_model_and_with_a_recipe(run, workshop, model, captchas, tmp_path):
    for option, file in (("--model", model), ("--recipe", workshop / "recipe.yaml")):
        out = tmp_path / option.strip("-")
        assert run("cut", captchas, out, option, file).code == 0
        labels = load_captchas(captchas).target
        written = sorted(path.parent.name for path in out.glob("*/*.png"))
        assert written == sorted("".join(labels))
        height, width = decode(next(out.glob("*/*.png"))).shape
        assert height > width


def test_cut_excludes_captchas_whose_segments_do_not_match_the_label(
    run, model, captchas, tmp_path
):
    folder = tmp_path / "captchas"
    folder.mkdir()
    data = load_captchas(captchas).data
    (folder / "ABCDE.png").symlink_to(data[0])
    (folder / "ABCC.png").symlink_to(data[1])
    (folder / "AAAA.png").write_text("no image")
    outcome = run("cut", folder, tmp_path / "out", "--model", model)
    assert outcome.code == 1
    assert "ABCDE.png: it has 4 segments, but its label is 'ABCDE'" in outcome.err
    assert "AAAA.png: it is not a PNG" in outcome.err
    written = sorted(path.parent.name for path in (tmp_path / "out").glob("*/*.png"))
    assert written == ["A", "B", "C", "C"]
