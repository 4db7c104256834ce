import numpy as np
import pytest

from report_pages import CheckedPage, headline_of
from skcaptcha.label_issues import LabelIssue, LabelIssues
from skcaptcha.report import label_issues_report

IMAGES = [np.zeros((20, 60), dtype=np.uint8)] * 3
NAMES = [f"<i>{k}.png" for k in range(3)]


def make_issues(n_suspects: int, n_other_length: int = 0) -> LabelIssues:
    reason = "character 1 is '<'; image appears to show 'A'"
    ranked = tuple(
        LabelIssue(2 - k, "<b>7", "AB7", 0.91, 0.02, k < n_suspects, reason * (k < n_suspects))
        for k in range(3)
    )
    return LabelIssues(ranked, 4, n_other_length)


def test_each_suspect_is_shown_and_escaped():
    page = label_issues_report(make_issues(2, n_other_length=1), IMAGES, NAMES)
    checked = CheckedPage(page)
    assert page.to_html().count('class="card"') == 2
    assert "b" not in checked.tags
    assert "i" not in checked.tags
    assert checked.text.count("<b>7") == 2
    assert checked.text.index("<i>2.png") < checked.text.index("<i>1.png")
    assert "<i>0.png" not in checked.text
    assert "image appears to show 'A'" in checked.text
    assert "labels checked only for their length" in checked.text


@pytest.mark.parametrize(
    ("n_suspects", "conclusion", "next_step"),
    [
        (0, "No label looks wrong.", "skcaptcha fit FOLDER"),
        (1, "label is probably wrong.", "skcaptcha check-labels FOLDER --fix"),
        (2, "labels are probably wrong.", "skcaptcha check-labels FOLDER --fix"),
    ],
)
def test_conclusion_and_next_step(n_suspects, conclusion, next_step):
    page = label_issues_report(make_issues(n_suspects), IMAGES, NAMES)
    assert f'<p class="value">{n_suspects}</p><p><strong>{conclusion}' in headline_of(page)
    assert next_step in CheckedPage(page).text
