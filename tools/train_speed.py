#!/usr/bin/env python3
"""Training speed of Fovea and of PyTorch on the CPU, side by side.

Both make AdamW updates of the same model from random weights, in bfloat16 (autocast
in PyTorch, which keeps float32 weights as Fovea does), on the same batch and the same
number of threads, by turns, so that noise of the machine meets both.

    python3 -m venv v && v/bin/pip install torch transformers
    go build -o fovea ./cmd/fovea
    v/bin/python tools/train_speed.py --fovea ./fovea
    v/bin/python tools/train_speed.py --fovea ./fovea --lora      # LoRA on a 0.5B model
"""

import argparse
import json
import os
import statistics
import subprocess
import time

TURNS = 3


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--fovea", default="./fovea", help="the program")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--batch", type=int, help="samples of an update; 16, or 2 with --lora")
    p.add_argument("--text", type=int, default=64, help="tokens of text of a sample, all of them learnt")
    p.add_argument("--lora", action="store_true", help="LoRA of rank 16 on all projections of a 0.5B Qwen2")
    p.add_argument("--presets", default=os.path.join(os.path.dirname(__file__), "../cmd/fovea/presets"))
    a = p.parse_args()
    a.preset = "qwen2-0.5b" if a.lora else "llava-20m"
    a.batch = a.batch or (2 if a.lora else 16)
    return a


def fovea(a):
    command = [a.fovea, "bench", "train", "--preset", a.preset, "--batch", str(a.batch), "--text", str(a.text), "--workers", str(a.threads), "--json"]
    if a.lora:
        command += ["--lora", "16"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def pytorch_model(a):
    import torch
    import transformers

    with open(os.path.join(a.presets, a.preset + ".json")) as f:
        config = json.load(f)
    kind = getattr(transformers, config["architectures"][0])
    config = kind.config_class(**{k: v for k, v in config.items() if k != "architectures"})
    torch.manual_seed(0)
    m = kind(config)
    if a.lora:
        from peft import LoraConfig, get_peft_model

        m = m.to(torch.bfloat16)
        m = get_peft_model(m, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
    return m.train()


def batch(m, a):
    import torch

    config = m.config
    if not hasattr(config, "vision_config"):
        ids = torch.randint(0, config.vocab_size // 2, (a.batch, a.text))
        return {"input_ids": ids, "labels": ids.clone()}
    side = config.vision_config.image_size
    pictures = (side // config.vision_config.patch_size) ** 2
    text = torch.randint(0, config.text_config.vocab_size // 2, (a.batch, a.text))
    marks = torch.full((a.batch, pictures), config.image_token_index if hasattr(config, "image_token_index") else config.image_token_id)
    labels = torch.cat([torch.full_like(marks, -100), text], 1)
    return {"input_ids": torch.cat([marks, text], 1), "labels": labels, "pixel_values": torch.randn(a.batch, 3, side, side)}


def updates(m, inputs, seconds):
    """Tokens a second of updates, after two to warm up."""
    import torch

    optimizer = torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], lr=1e-6)

    def update():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = m(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in m.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        optimizer.zero_grad()

    update(), update()
    times = []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        update()
        times.append(time.perf_counter() - start)
    return inputs["input_ids"].numel() / statistics.median(times)


def main():
    a = arguments()
    import torch

    torch.set_num_threads(a.threads)
    m = pytorch_model(a)
    inputs = batch(m, a)
    ours, theirs = [], []
    for _ in range(TURNS):
        theirs.append(updates(m, inputs, 3))
        result = fovea(a)
        if result["tokens"] != inputs["input_ids"].numel():
            raise SystemExit(f"fovea reads {result['tokens']} tokens and PyTorch {inputs['input_ids'].numel()}")
        ours.append(result)
    tokens = statistics.median(r["tokens_per_s"] for r in ours)
    peak = max(r["peak_gflop_per_s"] for r in ours)
    flops = statistics.median(r["gflop_per_s"] for r in ours)
    reference = statistics.median(theirs)
    print(f"{a.preset}{' LoRA' if a.lora else ''}, batch {a.batch}, {result['tokens']} tokens an update, {a.threads} threads, bfloat16")
    print(f"PyTorch {torch.__version__:14} {reference:8.0f} tokens/s  {flops * reference / tokens:8.1f} GFLOP/s  {100 * flops * reference / tokens / peak:5.1f} % of the roof")
    print(f"Fovea ({result['kernel']})        {tokens:8.0f} tokens/s  {flops:8.1f} GFLOP/s  {100 * flops / peak:5.1f} % of the roof ({peak:.0f})")
    print(f"ratio {tokens / reference:.2f}")


if __name__ == "__main__":
    main()
