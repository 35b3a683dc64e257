"""Several people who speak at once: the noise that is most like what shall be kept.

    b = Σ_i 10^(L_i / 20) · x_i / √P_active(x_i)

P_active is the power where a talker speaks (`rephase.degradations.noise`), so a level L_i says how loud a talker is
whatever the recording's pauses.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.degradations.noise import active_power

QUIET = 1e-10  # power below which there is no talker


def babble(
    talkers: Float[Tensor, "batch talkers time"], levels_db: Float[Tensor, "batch talkers"]
) -> Float[Tensor, "batch time"]:
    """Mixes talkers at their levels.

    Args:
        talkers: speech of one person each; silence is left out.
        levels_db: active level of each; −inf for one who is not there.

    Returns:
        The mixture, with a root mean square of 1; silence if nobody speaks.
    """
    power = active_power(talkers.flatten(0, 1)).unflatten(0, talkers.shape[:2])
    gains = torch.where(power > QUIET, 10 ** (levels_db / 20) / power.sqrt(), 0.0)
    mixture = (gains.unsqueeze(-1) * talkers).sum(1)
    return mixture / mixture.square().mean(-1, keepdim=True).clamp_min(1e-24).sqrt()
