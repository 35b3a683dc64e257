"""Which class of network belongs to which configuration, by the names that model folders use."""

from typing import Any

from rephase.models.config import NetworkConfig
from rephase.models.network import Network
from rephase.models.renet import RENet
from rephase.models.renet_config import RENetConfig
from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig

ARCHITECTURES: dict[str, tuple[type[NetworkConfig], type[Any]]] = {
    "RENet": (RENetConfig, RENet),
    "RENetLite": (RENetLiteConfig, RENetLite),
}


def build(config: NetworkConfig) -> Network:
    """The network of a configuration, with random weights.

    Args:
        config: of one of the architectures.

    Returns:
        The network, in training mode.

    Raises:
        ValueError: If the configuration is of no architecture.
    """
    for kind, architecture in ARCHITECTURES.values():
        if type(config) is kind:
            network: Network = architecture(config)
            return network
    known = ", ".join(kind.__name__ for kind, _ in ARCHITECTURES.values())
    raise ValueError(f"config must be one of {known}; got a {type(config).__name__}. Try PRESETS['renet-small'].")
