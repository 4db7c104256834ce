"""Run the fuzz targets in parallel, and print a summary of their findings."""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
CORPUS, FINDINGS = HERE / "corpus", HERE / "findings"
TARGETS = ("decoding", "recipes")
MAX_FINDINGS = 20
MAX_LENGTHS = {"decoding": 2**14, "recipes": 2**13}  # bytes


def main() -> int:
    """Run the command. Return 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="duration (default: 30)")
    parser.add_argument("--target", choices=TARGETS, action="append", help="run only this target")
    arguments = parser.parse_args()
    targets = arguments.target or list(TARGETS)
    seed()
    before = set(FINDINGS.glob("*/*"))
    for target in targets:
        (FINDINGS / f"{target}.log").unlink(missing_ok=True)
    end = time.monotonic() + 60 * arguments.minutes
    running = {target: start(target, end) for target in targets}
    try:
        while running:
            time.sleep(0.2)
            for target, process in list(running.items()):
                if process.poll() is None:
                    continue
                # A finding ends the process.
                found = set(FINDINGS.glob(f"{target}/*")) - before
                if end - time.monotonic() > 1 and 0 < len(found) < MAX_FINDINGS:
                    running[target] = start(target, end)
                else:
                    del running[target]
    except KeyboardInterrupt:
        for process in running.values():
            process.terminate()
            process.wait()
    return print_summary(targets, before)


def seed() -> None:
    """Write the initial inputs of the targets."""
    sys.path.insert(0, str(TESTS))
    from image_samples import png_suite, small_files  # noqa: PLC0415 - after the path was set

    images = [*small_files().values(), *(sample.content for sample in png_suite())]
    recipes = [b" " + path.read_bytes() for path in HERE.parent.glob("configs/[!a]*.yaml")]
    recipes += [b" " + (HERE / "small.yaml").read_bytes()]
    recipes += [b"\1steps.segment.n_characters=5\nsearch.cv=3\ngrid.0.read__estimator__C=[1, 1e1]"]
    for target, inputs in {"decoding": images, "recipes": recipes}.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        (FINDINGS / target).mkdir(parents=True, exist_ok=True)
        for i, content in enumerate(inputs):
            (folder / f"seed-{i:03}").write_bytes(content)


def start(target: str, end: float) -> subprocess.Popen[bytes]:
    """Start a target that ends at the time `end` of `time.monotonic`."""
    options = [
        f"-max_total_time={max(1, round(end - time.monotonic()))}",
        f"-max_len={MAX_LENGTHS[target]}",
        "-timeout=20",
        "-report_slow_units=20",
        "-rss_limit_mb=1500",
        f"-artifact_prefix={FINDINGS / target}/",
        "-print_final_stats=1",
    ]
    if target == "recipes":
        options.append(f"-dict={HERE / 'recipes.dict'}")
    command = [sys.executable, str(HERE / f"{target}.py"), *options, str(CORPUS / target)]
    with (FINDINGS / f"{target}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def print_summary(targets: list[str], before: set[Path]) -> int:
    """Print a summary of each target.

    Return 1 if there are findings other than those before, or a target did not run.
    """
    code = 0
    for target in targets:
        log = (FINDINGS / f"{target}.log").read_text(errors="replace")
        runs = re.findall(r"^stat::number_of_executed_units: (\d+)", log, re.MULTILINE)
        covered = re.findall(r"cov: (\d+)", log)
        found = sorted(set((FINDINGS / target).glob("*")) - before)
        print(
            f"{target}: {sum(map(int, runs))} executions, "
            f"{covered[-1] if covered else 0} edges covered, {len(found)} findings"
        )
        for path in found:
            print(f"  {path}")
        if found or not covered:
            print(f"  log: {FINDINGS / target}.log")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
