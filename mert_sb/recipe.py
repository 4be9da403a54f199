"""The door: how every recipe is run.

Arguments, processes, YAML, refusal of unknown keys, experiment folder, preparation on the
main process, data, fitting, evaluation. A recipe keeps what is its own: its label rule and
its reading pipeline.

Authors
 * The mert_sb developers 2026
"""

import atexit
import gc
import inspect
import math
import shutil
from pathlib import Path

import speechbrain as sb
import torch

# Its functions keep, as a default, the group there is when it is first imported;
# wrapping a module imports it. See _leave_group.
import torch.distributed.nn
from speechbrain.utils.distributed import run_on_main
from torch.nn.parallel import DistributedDataParallel

from mert_sb.hparams import load_hparams, refuse_unused
from mert_sb.overrides import own_keys, place_overrides, read_yaml
from mert_sb.preemption import heed_torchrun, outlive
from mert_sb.processes import meet
from mert_sb.progress import Progress
from mert_sb.tokens import redacted
from mert_sb.writing import writing

# Keys the door itself reads from a YAML.
KEYS = {
    "checkpointer",
    "epoch_counter",
    "extraction",
    "modules",
    "opt_class",
    "output_folder",
    "prepare",
    "train_dataloader_opts",
    "valid_dataloader_opts",
}


def open_recipe(prepare, arguments):
    """Everything before the data: arguments, processes, YAML, folder, manifests.

    Arguments
    ---------
    prepare : callable
        Makes the manifests; called on the main process with the YAML's ``prepare``.
    arguments : list of str
        ``sys.argv[1:]``.

    Returns
    -------
    tuple of (Hparams, speechbrain.RunOptions, str)
        The hyperparameters, the run options, and the YAML's path.

    Raises
    ------
    KeyError
        If a flag names no key of the YAML.
    ValueError
        If YAML or flags hold a token or a password: the run's folder would too.

    Example
    -------
    See ``recipes/pretrain/AudioFolder/extract_targets.py``.
    """
    hparams_file, run_opts, overrides = sb.parse_arguments(arguments)
    Progress.silence(run_opts["noprogressbar"])
    heed_torchrun()
    meet(run_opts)
    atexit.register(_leave_group)
    overrides = _with_run_options(hparams_file, run_opts, overrides)
    hparams = load_hparams(hparams_file, overrides)
    with writing(hparams["output_folder"]):
        sb.create_experiment_directory(
            experiment_directory=hparams["output_folder"],
            hyperparams_to_save=hparams_file,
            overrides=overrides,
            save_env_desc=False,
        )
        run_on_main(_describe_environment, args=[hparams["output_folder"]])
    run_on_main(prepare, kwargs=hparams["prepare"])
    return hparams, run_opts, hparams_file


def keep_script(function, folder):
    """Copy the script a function is from; SpeechBrain copies its caller, us.

    Arguments
    ---------
    function : callable
        Of the recipe's ``train.py``.
    folder : str or pathlib.Path
        The output folder.

    Raises
    ------
    mert_sb.writing.NoRoomError
        If the disk is full.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> keep_script(keep_script, folder)
    >>> [path.name for path in folder.iterdir()]
    ['recipe.py']
    """
    with writing(folder):
        shutil.copy(inspect.getfile(function), folder)


def run(brain_class, prepare, dataio_prep, arguments):
    """Run a recipe from its command line.

    Arguments
    ---------
    brain_class : type
        A Brain with ``HPARAMS_NEEDED``, the keys it reads.
    prepare : callable
        Makes the manifests; called on the main process with the YAML's ``prepare``.
    dataio_prep : callable
        Makes a dictionary of data sets (``train``, ``valid``, perhaps ``test``) of
        the hyperparameters.
    arguments : list of str
        ``sys.argv[1:]``.

    Returns
    -------
    speechbrain.Brain
        After fitting and evaluation.

    Example
    -------
    See ``recipes/pretrain/AudioFolder/train.py``.
    """
    hparams, run_opts, hparams_file = open_recipe(prepare, arguments)
    run_on_main(keep_script, args=[dataio_prep, hparams["output_folder"]])
    datasets = dataio_prep(hparams)
    _check_steps(hparams, datasets["train"])
    refuse_unused(hparams, hparams_file, KEYS | set(brain_class.HPARAMS_NEEDED))
    hparams["checkpointer"].discard_unfinished()
    _check_test_only(hparams, run_opts)
    brain = brain_class(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        hparams=hparams,
        run_opts=run_opts,
        checkpointer=hparams["checkpointer"],
    )
    brain.fit(
        hparams["epoch_counter"],
        datasets["train"],
        datasets["valid"],
        train_loader_kwargs=_private_generator(
            hparams["train_dataloader_opts"]
        ),
        valid_loader_kwargs=_private_generator(
            hparams["valid_dataloader_opts"]
        ),
    )
    if "test" in datasets:
        brain.evaluate(
            datasets["test"],
            min_key="loss",
            test_loader_kwargs=_private_generator(
                hparams["valid_dataloader_opts"]
            ),
        )
    _unwrap(brain.modules)
    return brain


def _describe_environment(folder):
    """Write ``env.log``; pip lists addresses with the passwords in them."""
    text = redacted(sb.utils.logger.get_environment_description())
    (Path(folder) / "env.log").write_text(text, encoding="utf-8")


def _with_run_options(hparams_file, run_opts, overrides):
    """Overrides with the run options that are keys of the YAML too.

    SpeechBrain keeps ``--optimizer_step_limit 900`` to itself; what refers to that
    key, the learning rate's schedule, would keep the YAML's number.
    """
    tree, _ = read_yaml(hparams_file)
    keys = own_keys(tree)
    # As text: SpeechBrain leaves some numbers as strings.
    given = [
        f"{key}: {run_opts[key]}"
        for key in sorted(run_opts.overridden_args)
        if key in keys
    ]
    overrides = "\n".join([overrides or "", *given])
    return place_overrides(hparams_file, overrides)


def _check_steps(hparams, train):
    """Refuse a training set that gives no step in an epoch."""
    options = hparams["train_dataloader_opts"]
    rows = len(train) // _world_size()
    batches = rows / options["batch_size"]
    # A last batch that is not full counts where it is not dropped.
    batches = int(batches) if options.get("drop_last") else math.ceil(batches)
    if batches < hparams["grad_accumulation_factor"]:
        raise ValueError(
            f"{len(train)} training rows on {_world_size()} processes make "
            f"{batches} batches of {options['batch_size']} and not one step of "
            f"{hparams['grad_accumulation_factor']}; lower batch_size, or "
            "add audio (of pretraining: or lower segment_seconds)"
        )


def _check_test_only(hparams, run_opts):
    """Refuse to test what was never trained."""
    checkpointer = hparams["checkpointer"]
    if run_opts["test_only"] and checkpointer.find_checkpoint() is None:
        raise FileNotFoundError(
            f"--test_only: there is no checkpoint in {checkpointer.checkpoints_dir}; "
            "check output_folder"
        )


def _unwrap(modules):
    """Put modules in place of their distributed wrappers, which hold the group."""
    for name, module in modules.items():
        if isinstance(module, DistributedDataParallel):
            modules[name] = module.module


def _leave_group():
    """End gloo's threads before Python ends, or they may abort a finished run.

    A thread that still lets go of the last collective's tensors asks for the
    interpreter; one that is being ended answers with ``std::terminate``.
    """
    if (
        torch.distributed.is_initialized()
        and torch.distributed.get_backend() == "gloo"
    ):
        torch.distributed.destroy_process_group()
        # Threads are joined with the group's last owner; wrappers are in cycles.
        gc.collect()


def _world_size():
    """Number of processes."""
    if torch.distributed.is_initialized():
        return torch.distributed.get_world_size()
    return 1


def _private_generator(options):
    """Loader options with a generator of the loader's own, and workers that last.

    Making an iterator draws a seed for its workers; from the global generator that
    draw would come at another place after a restart, and dropout with it.
    """
    if options.get("persistent_workers"):
        raise ValueError(
            "persistent_workers: workers that outlive an epoch would draw the same "
            "clips and masks in each; leave it out"
        )
    return {
        "worker_init_fn": outlive,
        **options,
        "generator": torch.Generator(),
    }
