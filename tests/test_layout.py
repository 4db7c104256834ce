"""Each module has its own test file, or a reason why not."""

from __future__ import annotations

from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "skcaptcha"

TESTED_ELSEWHERE = {
    "__main__.py": "tests/cli/test_current_folder.py: processes begin with it",
    # _display
    "_display/printable.py": "tests/cli/test_hostile_folders.py: commands print names",
    # _files
    "_files/exclusive_lock.py": "tests/cli/test_exclusive_lock.py: a lock needs two processes",
    "_files/user_data_folder.py": "tests/persistence/test_known_models.py: models are known there",
    # _process
    "_process/deferred_interrupt.py": "tests/cli/test_interruptions.py: Ctrl-C ends commands",
    "_process/fast_exit.py": "tests/cli/test_interruptions.py: it ends the process",
    "_process/fast_imports.py": "tests/cli/test_commands.py: a command imports nothing else",
    "_process/import_path.py": "tests/cli/test_current_folder.py: a command needs its own process",
    "_process/start_time.py": "tests/cli/test_fit_folder.py: the budget counts from the start",
    "_process/versions.py": "tests/persistence/test_save_and_load.py: manifests contain them",
    # audit
    "audit/_audit.py": "tests/audit/test_audit_captchas.py: a result comes from an audit",
    "audit/_schedule.py": "tests/audit/test_audit_captchas.py: an audit shows what was left out",
    # auto
    "auto/_candidate.py": "tests/auto/test_race.py: candidates are only compared in a race",
    # cli
    "cli/_interrupt.py": "tests/cli/test_interruptions.py: Ctrl-C needs a process",
    # datasets
    "datasets/_captchas.py": "its docstring: only its repr is our own",
    "datasets/_display.py": "tests/datasets/test_generators.py: schemes share its tests",
    "datasets/_dots.py": "tests/datasets/test_generators.py: schemes share its tests",
    "datasets/_drawing.py": "tests/datasets/test_generators.py: schemes share its tests",
    "datasets/_file_kinds.py": "tests/cli/test_bad_input.py: a command suggests what to pass",
    "datasets/_find_labels.py": "tests/datasets/test_load.py: loading is one call of it",
    "datasets/_image_captcha.py": "tests/datasets/test_generators.py: schemes share its tests",
    "datasets/_lines.py": "tests/datasets/test_generators.py: schemes share its tests",
    "datasets/_list_images.py": "tests/datasets/test_load.py: the images that are loaded",
    "datasets/_progress.py": "tests/cli/test_verbosity.py: only a terminal shows it",
    "datasets/label_formats/entry.py": "tests/datasets/label_formats/test_json_labels.py: errors",
    "datasets/label_formats/image_names.py": "tests/datasets/test_load.py: labels from names",
    "exceptions.py": "its docstrings: messages of the errors",
    # fitting
    "fitting/_check_labels.py": "tests/cli/test_check_labels.py: the command is one call of it",
    "fitting/_exclude.py": "tests/cli/test_fit_folder.py: a fit excludes and lists captchas",
    "fitting/_fit_captchas.py": "tests/cli/test_fit_folder.py: the command is one call of it",
    "fitting/_fit_recipe.py": "tests/cli/test_commands.py: the command is one call of it",
    "fitting/_journals.py": "tests/cli/test_fit_resume.py: an interrupted command leaves them",
    "fitting/_parallel.py": "tests/cli/test_cluster.py: a fit is divided among real processes",
    "fitting/_result.py": "tests/cli/test_fit_folder.py: a fit writes the files",
    "fitting/_update_model.py": "tests/cli/test_update.py: the command is one call of it",
    # images
    "images/_limits.py": "tests/images/test_hostile_images.py: files and arrays over each limit",
    "images/_pixel_values.py": "tests/images/test_decode.py: each depth, with and without alpha",
    "images/formats/gif.py": "tests/images/test_hostile_images.py: truncated and hostile files",
    "images/formats/jpeg.py": "tests/images/test_hostile_images.py: truncated and hostile files",
    "images/formats/png.py": "tests/images/test_hostile_images.py: truncated and hostile files",
    "images/formats/webp.py": "tests/images/test_hostile_images.py: truncated and hostile files",
    # label
    "label/_queue.py": "tests/label/test_session.py: a session shows which image comes next",
    "label/_tabs.py": "tests/label/test_session.py: a session shares its images among tabs",
    "label/_task.py": "only data",
    # label_issues
    "label_issues/_confident_learning.py": "tests/label_issues/test_find_label_issues.py: it ranks "
    "labels",
    "label_issues/_issues.py": "only data",
    "label_issues/_out_of_fold.py": "tests/label_issues/test_find_label_issues.py: duplicates are "
    "in one fold",
    # model_selection
    "model_selection/_score_records.py": "tests/model_selection/test_checkpoint.py: its records "
    "resume searches",
    # persistence
    "persistence/_onnx_graph.py": "tests/persistence/test_export_onnx.py: runtimes run its graphs",
    "persistence/_unsafe_values.py": "tests/persistence/test_skops_format.py: values are in files",
    # prediction
    "prediction/_cluster_connection.py": "tests/cli/test_cluster.py: it needs a real cluster",
    "prediction/_cluster_workers.py": "tests/cli/test_cluster.py: it needs a real cluster",
    "prediction/_local_workers.py": "tests/prediction/test_read_images.py: the stream uses them",
    "prediction/_parquet.py": "tests/prediction/test_table.py: each test runs for both formats",
    "prediction/_table_settings.py": "tests/prediction/test_table.py: a table is resumed or not",
    "prediction/_write_readings.py": "tests/prediction/test_read_images.py: it writes the stream",
    # read
    "read/_constrained_reader.py": "the tests of both readers that have constraints",
    "read/sequence/_n_best.py": "tests/read/sequence/test_lattice.py: compared with all paths",
    # recipes
    "recipes/_allowed_classes.py": "tests/recipes/test_new_step.py: a recipe uses a new class",
    "recipes/_build.py": "tests/recipes/test_recipe.py: errors name the keys of a recipe",
    "recipes/_schema.py": "tests/recipes/test_recipe.py: errors name the keys of a recipe",
    # report
    "report/_blocks.py": "tests/report/test_page.py: a page consists of blocks",
    "report/_check_extra.py": "tests/cli/test_without_extras.py: all others have the extra",
    "report/_markdown.py": "tests/report/test_page.py: a page is also written as Markdown",
    "report/_step_sections.py": "tests/report/test_score_report.py: a report has all sections",
    # serve
    "serve/_server_thread.py": "tests/serve/test_prediction_server.py: each server is one",
    "serve/_settings.py": "only data",
}


def own_test_file(module: str) -> Path:
    path = Path(module)
    return Path(__file__).parent / path.parent / f"test_{path.stem.removeprefix('_')}.py"


def test_each_module_has_a_test_file_or_a_reason() -> None:
    modules = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if path.name != "__init__.py"
    ]
    without = sorted(module for module in modules if not own_test_file(module).is_file())
    assert without == sorted(TESTED_ELSEWHERE)
