#!/usr/bin/env bash
# What a GPU makes of this project, in figures for docs/speed.md, in about a quarter of an hour:
#
#     bash benchmarks/gpu.sh [DATA]        writes build/gpu/report.txt
#
# DATA is a folder that `unspin build` wrote; left out, configs/data/quickstart.yaml is built. Run it in a clone of the repository, with the project and a
# torch that sees the GPU installed and nothing else at work on it. The card's settings are left as they are.
# A rehearsal without a GPU, in small: DEVICE=cpu TOKENS=1024 STEPS=4 LIMIT=90s bash benchmarks/gpu.sh
set -euo pipefail
cd "$(dirname "$0")/.."

DEVICE=${DEVICE:-cuda}
TOKENS=${TOKENS:-"8192 32768 131072"}
STEPS=${STEPS:-40}
LIMIT=${LIMIT:-2m}
DATA=${1:-build/gpu/pairs}
OUT=build/gpu
largest=${TOKENS##* }
[ "$DEVICE" = cuda ] || export CUDA_VISIBLE_DEVICES=""

mkdir -p "$OUT"
exec > >(tee "$OUT/report.txt") 2> >(tee "$OUT/errors.txt" >&2)
[ -d "$DATA" ] || unspin build configs/data/quickstart.yaml "output=$DATA"
python benchmarks/backbones.py "$OUT" "$DATA"

say() { printf '\n== %s\n' "$*"; }
bench() { say "training: $*"; python -m unspin.train.bench "$1" "data=$DATA" "${@:2}" --alone; }
train=(unspin train configs/train/default.yaml "data=$DATA" "tokens_per_batch=$largest" warmup_steps=1 "loggers=[]")
halves=("steps=$STEPS" "save_every=$((STEPS / 2))")

for shape in t5-base bart-base; do
    bench configs/train/flan-t5-base.yaml "backbone=$OUT/$shape" precision=auto "tokens_per_batch=${TOKENS%% *}"
done

say "a run that was killed and resumed, and one that was not: the losses of both"
rm -rf "$OUT/whole" "$OUT/cut"
"${train[@]}" "${halves[@]}" "output=$OUT/whole"
"${train[@]}" "${halves[@]}" "output=$OUT/cut" &
until [ -f "$OUT/cut/checkpoint-$((STEPS / 2))/trainer_state.json" ] || ! kill -0 $! 2> /dev/null; do sleep 0.2; done
kill -9 $! 2> /dev/null || true
wait $! || true
"${train[@]}" "${halves[@]}" "output=$OUT/cut"
python - "$OUT/whole/log.json" "$OUT/cut/log.json" << 'PYTHON'
import json, sys
curves = [{row["step"]: row["loss"] for row in json.load(open(file)) if "loss" in row} for file in sys.argv[1:]]
print("\n".join(f"step {step}: {loss:.4f} {curves[1][step]:.4f}" for step, loss in curves[0].items()))
PYTHON

say "a run of $LIMIT"
rm -rf "$OUT/timed"
time "${train[@]}" "output=$OUT/timed" steps=null "time_limit=$LIMIT"
python -c 'import json, sys; row = [r for r in json.load(open(sys.argv[1])) if "loss" in r][-1]; print(row)' "$OUT/timed/log.json"

say "accelerate launch with one process"
rm -rf "$OUT/launched"
accelerate launch --num_processes 1 --num_machines 1 --mixed_precision no --dynamo_backend no -m unspin.train configs/train/default.yaml \
    "data=$DATA" "output=$OUT/launched" "tokens_per_batch=$largest" "steps=$STEPS" warmup_steps=1 "loggers=[]"

say "restoring"
time unspin restore data/samples/ferry.spun.txt --device "$DEVICE" > "$OUT/ferry.txt"
python -m unspin.infer.bench --device "$DEVICE"
