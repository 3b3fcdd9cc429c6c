"""Confide: dated, sourced answers about NHS care and the Home Office.

Libraries read some settings from the environment as they load, so those are set here, before any of them is imported.
"""

import os

# Unset, Rasa reports use, and crashes, to third parties.
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
# OpenBLAS's second thread spins after each small product, on the processor that the sentence encoder needs: 6 ms of each turn.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
