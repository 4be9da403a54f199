"""The runner of the recipe tables, on a recipe made here.

Authors
 * The mert_sb developers 2026
"""

import os
import sys
import time

import pytest

SCRIPT = """
import os, pathlib, sys, time
import beside
hparams, _, output, data = sys.argv[1:]
folder = pathlib.Path(output)
folder.mkdir()
text = pathlib.Path(hparams).read_text() + data + os.environ["PYTHONPATH"]
(folder / "said.txt").write_text(text)
if data.endswith("fail"):
    sys.exit("said why")
time.sleep(60 * data.endswith("slow"))
"""

LOG = """\
epoch: 1, lr: 1.0e-03 - train loss: 0.10 - valid loss: 9.0, valid acc: 1.0e-01
epoch: 2, lr: 1.0e-03 - train loss: 5.0e-01 - valid loss: nan, valid acc: 0.25
epoch: 20, lr: 1.0e-03 - train loss: 0.20 - valid loss: 7.0, valid acc: 0.50
Epoch loaded: 2 - test loss: -3.5
"""


both = pytest.mark.parametrize("fresh", [True, False])


@pytest.fixture
def recipe(tmp_path):
    """Root of a house with one recipe, and a maker of rows for it."""
    folder = tmp_path / "house" / "recipes" / "X"
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(SCRIPT)
    (folder / "beside.py").write_text("")
    (folder / "x.yaml").write_text("the YAML, ")

    def row(flags):
        return {
            "Script_file": "recipes/X/train.py",
            "Hparam_file": "recipes/X/x.yaml",
            "test_debug_flags": flags,
        }

    return tmp_path / "house", row


@both
def test_a_recipe_runs_with_its_placeholders_and_the_root_as_path(
    recipe, tmp_path, fresh
):
    from tests.utils.recipe_tests import run_recipe

    root, row = recipe
    output = tmp_path / "out put"
    flags = row("{samples}+{output}")
    run_recipe(flags, tmp_path, output, root=root, fresh=fresh)
    said = (output / "said.txt").read_text()
    assert said == f"the YAML, {tmp_path}+{output}{root}"


@both
def test_a_failing_recipe_shows_what_it_printed(recipe, tmp_path, fresh):
    from tests.utils.recipe_tests import run_recipe

    root, row = recipe
    output = tmp_path / "out"
    with pytest.raises(AssertionError, match="said why\n+exit status 1"):
        run_recipe(row("fail"), tmp_path, output, root=root, fresh=fresh)


@both
def test_a_slow_recipe_is_ended(recipe, tmp_path, fresh):
    from tests.utils.recipe_tests import run_recipe

    root, row = recipe
    options = {"root": root, "time_limit": 1, "fresh": fresh}
    with pytest.raises(AssertionError, match="over 1 s"):
        run_recipe(row("slow"), tmp_path, tmp_path / "out", **options)


SHOWN = """
import os, sys
if __name__ != "__main__":
    raise ImportError("run it")
print([name for name in sys.modules if name.startswith("mert_sb")])
print(sys.argv[1:], os.getcwd(), os.environ, sys.path[:2], file=sys.stderr)
os.environ["LEFT"] = "behind"
os.kill(os.getpid(), 9) if sys.argv[1:] == ["kill"] else sys.exit(3)
"""


@both
def test_a_script_begins_with_what_it_is_given_and_nothing_else(
    tmp_path, fresh
):
    from tests.utils.warm import start_script

    script = tmp_path / "shown.py"
    script.write_text(SHOWN)
    env = {"PYTHONPATH": "/a/b", "OMP_NUM_THREADS": "1", "LC_CTYPE": "C.UTF-8"}
    for given, code in (["1", "b c"], 3), (["kill"], -9):
        command = [sys.executable, str(script), *given]
        run = start_script(command, cwd="/", env=env, fresh=fresh)
        printed, _ = run.communicate(timeout=60)
        assert run.returncode == run.poll() == code
        paths = [str(tmp_path), "/a/b"]
        said = f"{given} / environ({env}) {paths}\n"
        # Who is killed may not have written the list.
        assert printed.replace("[]\n", "") == said
        assert code < 0 or "[]\n" in printed


@both
def test_a_script_whose_words_nobody_reads_ends(tmp_path, fresh):
    from tests.utils.warm import start_script

    script = tmp_path / "talks.py"
    script.write_text("print('word ' * 100_000)")
    command = [sys.executable, str(script)]
    run = start_script(command, cwd="/", env=dict(os.environ), fresh=fresh)
    deadline = time.monotonic() + 60
    while run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if run.poll() is None:
        run.kill()
    assert run.communicate(timeout=60) == ("word " * 100_000 + "\n", None)
    assert run.returncode == 0


def test_one_fork_at_a_time(tmp_path):
    from tests.utils.warm import CAN_FORK, start_script

    if not CAN_FORK:
        pytest.skip("starts a Python for each")
    (tmp_path / "long.py").write_text("import time\ntime.sleep(60)\n")
    command = [sys.executable, str(tmp_path / "long.py")]
    options = {"cwd": tmp_path, "env": {}}
    run = start_script(command, **options)
    with pytest.raises(RuntimeError, match="long.py.* still runs"):
        start_script(command, **options)
    run.kill()
    assert run.communicate()[0] == "" and run.returncode == -9
    again = start_script([sys.executable, "nowhere.py"], **options)
    assert "FileNotFoundError" in again.communicate()[0]
    assert again.returncode == 1


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        ("train loss, <0.6, epoch: 2", True),
        ("train loss, <0.5, epoch: 2", False),
        ("train loss, <=0.5, epoch: 2", True),
        ("train loss, ==0.1, epoch: 1", True),
        ("valid acc, > 0.2, epoch: 2", True),
        ("valid acc, >=0.3, epoch: 2", False),
        ("valid loss, <100, epoch: 2", False),
        ("test loss, <-3, Epoch loaded: 2", True),
        ("loss, <100, epoch: 2", False),
        ("train loss, <100, epoch: 3", False),
    ],
)
def test_a_number_is_read_from_the_line_of_its_epoch(tmp_path, check, holds):
    from tests.utils.recipe_tests import failed_checks

    (tmp_path / "log.txt").write_text(LOG)
    text = f"performance_check=[log.txt, {check}]"
    assert len(failed_checks(text, tmp_path)) == (0 if holds else 1)


def test_a_resumed_run_is_judged_by_its_last_line(tmp_path):
    from tests.utils.recipe_tests import failed_checks

    (tmp_path / "log.txt").write_text(LOG + "epoch: 1 - train loss: 8\n")
    text = "performance_check=[log.txt, train loss, <1, epoch: 1]"
    assert failed_checks(text, tmp_path) == [
        "log.txt: train loss: 8 at epoch: 1, not <1"
    ]


def test_all_checks_of_a_row_count(tmp_path):
    from tests.utils.recipe_tests import failed_checks

    (tmp_path / "log.txt").write_text(LOG)
    text = (
        "file_exists=[log.txt, save/*.ckpt] file_exists=[l*.txt,a] "
        "performance_check=[log.txt, acc, >1, epoch: 2]"
    )
    assert failed_checks(text, tmp_path) == [
        "no file save/*.ckpt",
        "no file a",
        "log.txt: no acc at epoch: 2",
    ]


def test_a_misspelt_check_is_refused(tmp_path):
    from tests.utils.recipe_tests import failed_checks

    with pytest.raises(ValueError, match="files_exist"):
        failed_checks("files_exist=[log.txt]", tmp_path)


def test_tables_are_read_and_other_columns_refused(tmp_path):
    from tests.utils.recipe_tests import COLUMNS, read_tables

    path = tmp_path / "X.csv"
    path.write_text(f'{",".join(COLUMNS)}\nkey,X,a,b,c,d,e,f,g,"h,i",j\n')
    (row,) = read_tables(tmp_path)
    assert row["table"] == "X"
    assert row["test_debug_checks"] == "h,i"
    path.write_text("Task,Dataset\nkey,X\n")
    with pytest.raises(ValueError, match="X.csv"):
        read_tables(tmp_path)
