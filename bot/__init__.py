"""Confide: dated, sourced answers about NHS care and the Home Office.

Libraries read some settings from the environment as they load, so those are set here, before any of them is imported.
"""

import os

# Unset, Rasa reports use, and crashes, to third parties.
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
# OpenMP's threads spin while they wait for each other: where another program wants the cores, a sentence then takes a second, not 20 ms.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
