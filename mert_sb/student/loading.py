"""A front end that another student has trained.

Authors
 * The mert_sb developers 2026
"""

PREFIX = "frontend."


def load_frontend(student, state):
    """Copy a front end's tensors into a student.

    ``feature_grad_mult: 0`` then keeps them frozen, a small factor lets them change
    slowly. ``mert_sb.inference.frontends`` reads the state from a checkpoint. In the
    original, ``pretrained_weights`` (mert_model.py:424) takes the whole model.

    Arguments
    ---------
    student : mert_sb.student.MERT
        To be changed.
    state : dict of str to torch.Tensor
        Of a whole student, named as ``MERT.state_dict()``; only its front end
        is taken.

    Returns
    -------
    mert_sb.student.MERT
        The student given.

    Raises
    ------
    ValueError
        If a tensor is missing, unknown to the student's front end, or of another
        shape. Nothing is changed then.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> one, two = (MERT(num_layers=0) for _ in range(2))
    >>> load_frontend(one, two.state_dict()) is one
    True
    >>> first = "frontend.layers.0.conv.weight"
    >>> one.state_dict()[first].equal(two.state_dict()[first])
    True
    """
    wanted = student.frontend.state_dict()
    found = {
        name.removeprefix(PREFIX): state[name]
        for name in state
        if name.startswith(PREFIX)
    }
    faults = [f"{name} is missing" for name in wanted.keys() - found.keys()]
    faults += [f"{name} is unknown" for name in found.keys() - wanted.keys()]
    faults += [
        f"{name} has shape {tuple(found[name].shape)}, not "
        f"{tuple(wanted[name].shape)}"
        for name in wanted.keys() & found.keys()
        if wanted[name].shape != found[name].shape
    ]
    if faults:
        raise ValueError(
            f"the front end does not fit the student's: {'; '.join(sorted(faults))}"
        )
    student.frontend.load_state_dict(found, strict=True)
    return student
