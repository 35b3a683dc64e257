"""The networks that have a name, as configurations: no torch here."""

from rephase.models.config import NetworkConfig
from rephase.models.renet_config import RENetConfig
from rephase.models.renet_lite_config import RENetLiteConfig

RENET_BASE = RENetConfig()
RENET_SMALL = RENetConfig(channels=(32, 16))
RENET_LITE = RENetLiteConfig()
RENET_MEDIUM = RENetLiteConfig(stem_channels=(48, 8), channels=(80, 24))
RENET_LITE_CAUSAL = RENetLiteConfig(lookahead_frames=0)

PRESETS: dict[str, NetworkConfig] = {
    "renet-base": RENET_BASE,
    "renet-small": RENET_SMALL,
    "renet-medium": RENET_MEDIUM,
    "renet-lite": RENET_LITE,
    "renet-lite-causal": RENET_LITE_CAUSAL,
}
