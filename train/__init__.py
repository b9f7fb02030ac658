"""Fine-tuning: training runs, their plans and curves, combining adapters, and exporting checkpoints."""
