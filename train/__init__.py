"""Fine-tuning: training runs, their plans and curves, adding adapters, and exporting checkpoints."""
