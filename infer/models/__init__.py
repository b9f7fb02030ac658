"""Models: checkpoints, prompts, and the architectures that copy-draft decoding runs.

To add an architecture, write one module with a class that implements `unspin.infer.models.base.DecodingModel` and add
one line to `ARCHITECTURES`.
"""

# model_type in config.json -> class, imported on demand.
ARCHITECTURES = {
    "gemma3_text": "unspin.infer.models.gemma3:Gemma3",
    "t5": "unspin.infer.models.t5:T5",
    "mt5": "unspin.infer.models.t5:T5",
}
