"""hanota: firmware over the air for the home area network (GB smart metering).

The tree says the mission: `wire` what travels, `model` the domain's nouns and tables, `records` what we know,
`process` what we do, `edge` where it happens, `supplier` who asks, `app` the wiring, `faces` how it is shown.
Start reading at `process/pipeline.py`.
"""

__version__ = "0.1.0"
