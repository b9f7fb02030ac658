#!/usr/bin/env bash
# Measures the GPU figures of docs/speed.md:
#
#     bash benchmarks/gpu.sh [PART …]      writes runs/gpu/PART.txt
#
# The parts are throughput, shapes, resume, timed, launch and restore; without arguments, all of them. DATA is a folder
# that `unspin build` wrote; if unset, configs/data/quickstart.yaml is built. Run it in a clone of the repository, with
# the project and a torch that sees the GPU installed, and nothing else running on the GPU. The script does not change the
# settings of the card. A small rehearsal without a GPU:
#
#     DEVICE=cpu TOKENS=1024 STEPS=4 LIMIT=90s bash benchmarks/gpu.sh
set -euo pipefail
cd "$(dirname "$0")/.."

DEVICE=${DEVICE:-cuda}
TOKENS=${TOKENS:-"8192 32768 131072"}
STEPS=${STEPS:-40}
LIMIT=${LIMIT:-2m}
OUT=${OUT:-runs/gpu}
DATA=${DATA:-$OUT/pairs}
train=(configs/train/default.yaml "data=$DATA" "tokens_per_batch=${TOKENS%% *}" warmup_steps=1 "report_to=[]")
short=("max_steps=$STEPS" "save_steps=$((STEPS / 2))")
[ "$DEVICE" = cuda ] || export CUDA_VISIBLE_DEVICES=""

say() { printf '\n== %s\n' "$*"; }
bench() { say "training: $*"; python -m benchmarks.training "$1" "data=$DATA" "${@:2}" --alone; }

throughput() { # real tokens/s of the default model, and its share of the card's peak rate
    for tokens in $TOKENS; do
        for trainable in adapter layers; do
            for compile in false true; do
                bench configs/train/default.yaml "tokens_per_batch=$tokens" "trainable=$trainable" \
                    "torch_compile=$compile" || echo "failed: see the error above"
            done
        done
    done
}

shapes() { # the same for models with the shapes of T5 base and BART base, with random weights
    python -m benchmarks.backbones "$OUT" "$DATA"
    for shape in t5-base bart-base; do
        bench configs/train/flan-t5-base.yaml "backbone=$OUT/$shape" precision=auto "tokens_per_batch=${TOKENS%% *}"
    done
}

resume() { # the losses of an undisturbed run, and of one that was killed and resumed
    rm -rf "$OUT/whole" "$OUT/cut"
    unspin train "${train[@]}" "${short[@]}" "output=$OUT/whole"
    unspin train "${train[@]}" "${short[@]}" "output=$OUT/cut" &
    until [ -f "$OUT/cut/checkpoint-$((STEPS / 2))/trainer_state.json" ] || ! kill -0 $! 2> /dev/null; do
        sleep 0.2
    done
    kill -9 $! 2> /dev/null || true
    wait $! || true
    unspin train "${train[@]}" "${short[@]}" "output=$OUT/cut"
    python - "$OUT/whole/log.json" "$OUT/cut/log.json" << 'PYTHON'
import json, sys
curves = [{row["step"]: row["loss"] for row in json.load(open(file)) if "loss" in row} for file in sys.argv[1:]]
print("\n".join(f"step {step}: {loss:.4f} {curves[1][step]:.4f}" for step, loss in curves[0].items()))
PYTHON
}

timed() { # a run with a time limit, and the last row of its log
    rm -rf "$OUT/timed"
    time unspin train "${train[@]}" "output=$OUT/timed" max_steps=null "time_limit=$LIMIT"
    python -c 'import json, sys; print([row for row in json.load(open(sys.argv[1])) if "loss" in row][-1])' \
        "$OUT/timed/log.json"
}

launch() { # one process under accelerate
    rm -rf "$OUT/launched"
    accelerate launch --num_processes 1 --num_machines 1 --mixed_precision no --dynamo_backend no \
        -m unspin.train "${train[@]}" "${short[@]}" "output=$OUT/launched"
}

restore() { # an article, and sentences per second compared with `generate`
    time unspin restore data/samples/ferry.spun.txt --device "$DEVICE"
    python -m benchmarks.restoring --device "$DEVICE"
}

mkdir -p "$OUT"
[ -d "$DATA" ] || unspin build configs/data/quickstart.yaml "output=$DATA"
[ $# -gt 0 ] || set -- throughput shapes resume timed launch restore
for part in "$@"; do
    say "$part"
    "$part" 2>&1 | tee "$OUT/$part.txt"
done
