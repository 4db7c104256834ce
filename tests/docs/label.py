"""Label captchas as a user of the page does: `label.py DIR ANSWERS.csv N`."""

import csv
import sys


def main(folder, answers_file, n):
    from skcaptcha.label import LabelingSession

    with open(answers_file, newline="") as file:
        answers = {row["filename"]: row["label"] for row in csv.DictReader(file)}
    with LabelingSession(folder, train=False) as session:
        for _ in range(int(n)):
            task = session.next("page")
            session.label(task.filename, answers[task.filename], tab="page")


if __name__ == "__main__":
    main(*sys.argv[1:])
