"""What every test starts from: the cache of the user is neither read nor written, nor by commands that tests start."""

import os

os.environ["SYMGRAD_CACHE"] = "off"
