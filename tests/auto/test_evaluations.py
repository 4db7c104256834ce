"""An interrupted race that is resumed."""

import json

import pytest

from skcaptcha.auto import choose_recipe, load_families
from skcaptcha.datasets import make_line_captchas
from skcaptcha.exceptions import CheckpointError


@pytest.mark.slow
def test_a_resumed_race_uses_the_remaining_time(tmp_path):
    captchas = make_line_captchas(40, random_state=0)
    images, labels = list(captchas[0]), captchas[1]
    path = tmp_path / "a.search"
    content = load_families()
    options = {"budget": 400, "families": content | {"grid": content["grid"][:2]}}
    whole = choose_recipe(images, labels, checkpoint=path, **options)
    head, *records = path.read_text().splitlines(keepends=True)
    assert records
    # Simulate an interrupted last evaluation after one that took minutes.
    kept = [json.loads(line) for line in records[:-1]]
    kept[-1] |= {"elapsed": 300.0, "seconds": 290.0}
    path.write_text(head + "".join(f"{json.dumps(record)}\n" for record in kept) + records[-1][:9])
    again = choose_recipe(images, labels, checkpoint=path, **options)
    assert again.recipe == whole.recipe
    assert again.accuracy == whole.accuracy
    assert 300 < again.seconds < options["budget"]
    assert sum(trial.seconds for trial in again.trials) > 290
    with pytest.raises(CheckpointError, match="different labels"):
        choose_recipe(images, labels[::-1], checkpoint=path, **options)
