"""A job tells once what went wrong, names the rank, and ends with a status that means something.

Most tests have a stand-in for ``mpiexec``, which starts the ranks and says what Open MPI would say.
"""

import importlib.util
import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from adjoint import cli
from adjoint.parallel import job, leash, mpi, reports, stopping
from adjoint.parallel.communicator import Alone

HAS_MPI = importlib.util.find_spec("mpi4py") is not None and job.find_mpiexec() is not None
MPIEXEC = f"""#!{sys.executable}
import os, subprocess, sys
if "--version" in sys.argv:
    sys.exit(print("mpiexec (Open MPI) 5.0"))
place = sys.argv.index("-n")
size, command = int(sys.argv[place + 1]), sys.argv[place + 2 :]
ranks = [
    subprocess.Popen(command, env=os.environ | {{"OMPI_COMM_WORLD_RANK": str(rank)}})
    for rank in range(size)
]
ends = [rank.wait() for rank in ranks]
for rank, end in enumerate(ends):
    if end < 0:
        print("-" * 74, file=sys.stderr)
        print(f"prterun noticed that process rank {{rank}} with PID 7 on node here\\nexited on "
              f"signal {{-end}} (Killed).", file=sys.stderr)
        print("-" * 74, file=sys.stderr)
        sys.exit(128 - end)
sys.exit(max(ends))
"""


@pytest.fixture
def launch(tmp_path, monkeypatch, capfd):
    """Return a function that launches a program: its status, stdout and stderr."""
    stand_in = tmp_path / "mpiexec"
    stand_in.write_text(MPIEXEC)
    stand_in.chmod(0o755)
    monkeypatch.setattr(job, "find_mpiexec", lambda: str(stand_in))
    monkeypatch.setattr(job, "cores", lambda: 64)
    monkeypatch.setattr(job, "is_container", lambda: False)
    monkeypatch.setattr("adjoint.cli.commands.launch.find_spec", lambda name: True)

    def run(text, *options, ranks=2):
        program = tmp_path / "program.py"
        head = "import os, signal, sys\nrank = int(os.environ['OMPI_COMM_WORLD_RANK'])\n"
        program.write_text(head + textwrap.dedent(text))
        status = cli.main(["launch", "-n", str(ranks), *options, str(program), "one", "--two"])
        return status, *capfd.readouterr()

    return run


def test_what_rank_0_prints_is_shown_once_and_arguments_are_handed_on(launch):
    assert launch("print(rank, sys.argv[1:])") == (0, "0 ['one', '--two']\n", "")


def test_an_error_of_one_rank_is_told_once_with_its_name(launch):
    status, out, err = launch("if rank: raise ValueError('too\\nlarge')")
    assert (status, out) == (1, "")
    assert err.startswith("adjoint launch: rank 1 failed:\nTraceback (most recent call last):\n")
    assert err.endswith("ValueError: too\nlarge\n")
    assert "runpy" not in err


@pytest.mark.full
def test_an_error_that_all_ranks_meet_is_told_once(launch):
    status, _, err = launch("raise ValueError('no rows')")
    assert (status, err.count("no rows"), err.count("Traceback")) == (1, 2, 1)  # line and message
    assert err.startswith("adjoint launch: ranks 0, 1 failed:\n")


def test_a_rank_that_was_killed_is_named_and_the_job_started_again(launch):
    text = """
    if rank == 1 and os.environ['ADJOINT_ATTEMPT'] == '0':
        os.kill(os.getpid(), signal.SIGKILL)
    print('at last')
    """
    status, out, err = launch(text, "--restarts", "3")
    assert (status, out) == (0, "at last\nat last\n")  # rank 0 came to its end twice
    assert err == "adjoint launch: rank 1 was killed by SIGKILL (Killed); restart 1 of 3\n"


@pytest.mark.full
def test_an_error_of_the_program_is_not_tried_again(launch):
    status, _, err = launch("raise ValueError('no rows')", "--restarts", "3")
    assert (status, err.count("Traceback")) == (1, 1)


@pytest.mark.full
def test_the_status_that_a_program_ends_with_is_handed_on(launch):
    status, _, err = launch("sys.exit(7 if rank else 0)")
    assert (status, err) == (7, "adjoint launch: rank 1 ended with 7\n")


ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only there a parent's end is told")


@ON_LINUX
def test_a_job_whose_launcher_is_killed_ends(tmp_path):
    stand_in = tmp_path / "mpiexec"
    stand_in.write_text("#!/bin/sh\necho it began\nexec sleep 99\n")
    stand_in.chmod(0o755)
    launcher = (
        f"from adjoint.parallel import job\njob.run(job.Plan(1, ['program.py']), {str(stand_in)!r})"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", launcher], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert killed.stdout is not None
    with killed.stdout:
        assert killed.stdout.readline() == b"it began\n"
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
        # The output ends once nobody has it open any more; half a minute is for a busy machine.
        assert select.select([killed.stdout], [], [], 30)[0]
        assert killed.stdout.read() == b""


@ON_LINUX
@pytest.mark.parametrize("text", ["no program", "#!/no/interpreter\n"])
def test_an_mpiexec_that_cannot_be_run_is_named_in_one_line(tmp_path, text):
    broken, lines = tmp_path / "mpiexec", []
    broken.write_text(text)
    broken.chmod(0o755)
    ending = job.run(job.Plan(1, ["program.py"]), str(broken), show=lines.append)
    assert "mpiexec could not start the job" in ending.text
    assert len(lines) == 1
    assert lines[0].startswith(f"{broken}: ")


@ON_LINUX
def test_a_job_whose_launcher_is_gone_before_it_begins_does_not_begin(tmp_path):
    mark = tmp_path / "mark"
    own = [sys.executable, "-I", "-S", leash.__file__]
    subprocess.run([*own, "1", "/bin/touch", str(mark)], check=True)
    assert not mark.exists()
    subprocess.run([*own, str(os.getpid()), "/bin/touch", str(mark)], check=True)
    assert mark.exists()


def test_elsewhere_than_on_linux_a_job_is_started_as_it_is(monkeypatch):
    assert leash.leashed(["mpiexec"])[-1] == "mpiexec"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert leash.leashed(["mpiexec"]) == ["mpiexec"]


def heard(*found, framed=""):
    return job._Heard(
        [{"kind": kind, "rank": rank, **facts} for kind, rank, facts in found], [framed]
    )


def test_a_silent_rank_is_the_one_that_waits_for_nobody():
    silence = [("waited", 1, {"partner": 3, "step": 4}), ("waited", 0, {"partner": 2, "step": 4})]
    silence.append(("waited", 3, {"partner": 2, "step": 4}))
    ending = job._ending(1, heard(*silence))
    assert (ending.text, ending.may_go_on) == ("rank 2 did not answer in step 5", True)


def test_a_job_that_never_began_says_what_mpiexec_said():
    ending = job._ending(1, heard(framed="There are not enough\nslots available.\n"))
    assert ending.text == "mpiexec could not start the job: There are not enough slots available."
    assert not ending.may_go_on


def test_a_job_that_ends_without_a_word_may_be_started_again():
    ending = job._ending(-9, heard(("began", 0, {"pid": 1})))
    assert (ending.status, ending.may_go_on) == (1, True)


def test_a_report_is_read_again_and_other_lines_are_not(capfd, monkeypatch):
    monkeypatch.setenv(reports.LAUNCHED, "1")
    reports.tell("error", 2, message='quotes " and\nlines')
    lines = capfd.readouterr().err.split("\n")
    found = [report for report in map(reports.read, lines) if report]
    assert found == [{"kind": "error", "rank": 2, "message": 'quotes " and\nlines'}]
    assert reports.read("\x1eadjoint {half") is None
    assert reports.read("\x1eadjoint [1]") is None


def test_a_long_text_keeps_both_ends():
    text = reports.shortened("a" * 5000 + "b" * 5000)
    assert (text[0], text[-1], len(text) < 4000) == ("a", "b", True)


def test_outside_of_a_training_a_wish_to_stop_interrupts():
    with pytest.raises(KeyboardInterrupt):
        stopping.ask()
    with stopping.heeded():
        stopping.ask()
        assert stopping.is_wanted()
    with stopping.heeded():
        assert not stopping.is_wanted()


def test_a_training_in_a_callback_leaves_a_wish_to_stop_to_the_outer_one():
    with stopping.heeded():
        stopping.ask()
        with stopping.heeded():
            assert stopping.is_wanted()
        stopping.ask()  # it is noted, and does not interrupt
        assert stopping.is_wanted()


def test_a_request_to_end_is_handed_on_to_mpiexec():
    sent = []
    with job._handing_on(signal.SIGTERM, SimpleNamespace(send_signal=sent.append)) as came:
        signal.raise_signal(signal.SIGTERM)
    assert came == sent == [signal.SIGTERM]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGUSR1")
def test_ctrl_c_asks_all_ranks_to_stop_and_a_second_one_ends_them():
    sent, ends = [], iter([KeyboardInterrupt, KeyboardInterrupt, None])

    def wait():
        end = next(ends)
        if end is not None:
            raise end

    assert job._wait(SimpleNamespace(wait=wait, send_signal=sent.append)) == 2
    assert sent == [signal.SIGUSR1, signal.SIGTERM]


def test_a_missing_program_is_wrong_usage(launch, capfd):
    assert cli.main(["launch", "-n", "2", "nothing.py"]) == 2
    assert "there is no program 'nothing.py'" in capfd.readouterr().err


def test_missing_packages_are_named_in_one_line(monkeypatch, capfd, tmp_path):
    (tmp_path / "p.py").write_text("")
    monkeypatch.setattr("adjoint.cli.commands.launch.find_spec", lambda name: None)
    assert cli.main(["launch", "-n", "2", str(tmp_path / "p.py")]) == 2
    assert capfd.readouterr().err.startswith("adjoint: adjoint launch needs mpi4py")
    monkeypatch.setattr("adjoint.cli.commands.launch.find_spec", lambda name: True)
    monkeypatch.setattr(job, "find_mpiexec", lambda: None)
    assert cli.main(["launch", "-n", "2", str(tmp_path / "p.py")]) == 2
    err = capfd.readouterr().err
    assert "needs mpiexec" in err
    assert err.count("\n") == 1


def test_open_mpi_is_told_what_it_wants_to_be_told_and_so_is_the_user(launch, monkeypatch):
    monkeypatch.setattr(job, "cores", lambda: 1)
    monkeypatch.setattr(job, "is_container", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    status, _, err = launch("pass")
    assert (status, err.splitlines()) == (
        0,
        [
            "2 ranks share 1 cores, and will be slower than as many as cores",
            "in this container the ranks run as root (mpiexec --allow-run-as-root)",
        ],
    )


def test_ranks_have_no_more_threads_than_there_are_cores(monkeypatch):
    monkeypatch.setattr(job, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert job.Plan(4, []).variables(0)["OMP_NUM_THREADS"] == "2"
    assert job.Plan(99, []).variables(0)["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert job.Plan(4, []).variables(0)["OMP_NUM_THREADS"] == "5"


# --- with MPI -------------------------------------------------------------------------------------

PROGRAM = """
import hashlib, os, signal, sys
import numpy as np
import adjoint as ad
from adjoint.training.distributed_run import DistributedRun

path, victim, fatal, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rank, attempt = int(os.environ["OMPI_COMM_WORLD_RANK"]), int(os.environ["ADJOINT_ATTEMPT"])
take, count = DistributedRun._take, 0
def fatally(self, *batch):
    global count
    count += 1
    if count == fatal and rank == victim and attempt < times:
        os.kill(os.getpid(), signal.SIGKILL)
    return take(self, *batch)
DistributedRun._take = fatally
model = ad.nn.Sequential(ad.nn.Linear(2, 8, rng=0), ad.nn.BatchNorm(8), ad.nn.ReLU(),
                         ad.nn.Dropout(0.2, rng=1), ad.nn.Linear(8, 2, rng=2))
history = ad.fit(model, ad.datasets.make_moons(60, seed=0), loss="cross_entropy", epochs=6,
                 batch_size=16, seed=0, metrics=["accuracy"], distributed=True,
                 checkpoint=ad.Saving(path, seconds=0))
digest = hashlib.sha256(repr(history.to_dict()).encode())
for array in model.state_dict().values():
    digest.update(array.tobytes())
print(digest.hexdigest())
"""


def with_mpi(folder, ranks, *fault, options=()):
    """Launch the program with a fault: which rank, at which step, how often."""
    (folder / "run.py").write_text(PROGRAM)
    (folder / "checkpoint").unlink(missing_ok=True)
    command = [sys.executable, "-m", "adjoint", "launch", "-n", str(ranks), *options]
    command += [str(folder / "run.py"), str(folder / "checkpoint"), *map(str, fault or (0, 0, 0))]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.full
@pytest.mark.skipif(not HAS_MPI, reason="needs mpi4py and mpiexec")
def test_mpi_gives_the_same_bits_on_any_number_of_ranks(tmp_path):
    found = {with_mpi(tmp_path, ranks).stdout for ranks in (1, 2, 3, 4)}
    assert len(found) == 1
    assert len(found.pop()) == 65


@pytest.mark.full
@pytest.mark.skipif(not HAS_MPI, reason="needs mpi4py and mpiexec")
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("victim", [0, 1])
def test_a_job_that_lost_a_rank_comes_to_the_same_bits(tmp_path, victim, times):
    expected = with_mpi(tmp_path, 2).stdout
    run = with_mpi(tmp_path, 2, victim, 7, times, options=["--restarts", "2"])
    assert (run.returncode, run.stdout) == (0, expected)
    assert run.stderr.count(f"rank {victim} was killed by SIGKILL") == times


@pytest.mark.full
@pytest.mark.skipif(not HAS_MPI, reason="needs mpi4py and mpiexec")
def test_a_lost_rank_ends_a_job_that_may_not_be_started_again(tmp_path):
    run = with_mpi(tmp_path, 2, 1, 7, 1)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.endswith("adjoint launch: rank 1 was killed by SIGKILL (Killed)\n")
    assert Path(tmp_path, "checkpoint").exists()


# --- joining --------------------------------------------------------------------------------------


@pytest.fixture
def joining(monkeypatch):
    """Return a function that joins what the environment says."""
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "SLURM_NTASKS", reports.ATTEMPT):
        monkeypatch.delenv(name, raising=False)

    def joined(**environment):
        monkeypatch.setattr(mpi, "_joined", None)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return mpi.join()

    yield joined
    mpi._joined = None


def test_a_process_without_a_job_is_alone(joining):
    assert isinstance(joining(), Alone)
    assert mpi.join() is mpi.join()


def test_a_job_of_one_rank_knows_how_often_it_was_started(joining):
    assert joining(OMPI_COMM_WORLD_SIZE="1", ADJOINT_ATTEMPT="2").attempt == 2


@pytest.mark.parametrize(
    "environment",
    [{"OMPI_COMM_WORLD_SIZE": "2"}, {"PMI_SIZE": "3"}, {"PMIX_RANK": "0", "SLURM_NTASKS": "2"}],
)
def test_a_job_of_several_ranks_is_joined_by_mpi4py(joining, monkeypatch, environment):
    monkeypatch.setattr(mpi, "MPIRanks", lambda timeout: SimpleNamespace(size=2))
    assert joining(**environment).size == 2


def test_ranks_of_another_mpi_are_refused(joining, monkeypatch):
    world = SimpleNamespace(Get_rank=lambda: 0, Get_size=lambda: 1)
    monkeypatch.setattr(mpi, "require", lambda *_, **__: SimpleNamespace(COMM_WORLD=world))
    with pytest.raises(RuntimeError, match="mpiexec started 2 ranks, but mpi4py sees 1"):
        joining(OMPI_COMM_WORLD_SIZE="2")
