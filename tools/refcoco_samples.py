#!/usr/bin/env python3
"""Writes data/testdata/refcoco_*: RefCOCO as lmms-eval and as OFA have it, of two drawn
pictures, with the libraries and in the shapes that the real files were made with.

    python3 -m venv v && v/bin/pip install datasets==5.2.0 pillow
    v/bin/python tools/refcoco_samples.py

The columns are those of https://huggingface.co/datasets/lmms-lab/RefCOCO and of
https://github.com/OFA-Sys/OFA/blob/main/datasets.md.
"""

import base64
import json
import pathlib

import datasets

TESTDATA = pathlib.Path(__file__).parent.parent / "data" / "testdata"

# Picture, box as two corners, what it is called.
OBJECTS = [
    ("images/cat.png", (8, 6, 24, 21), ["red square", "the square on the left"]),
    ("images/sub/dog.png", (4.75, 8.75, 20.25, 24.25), ["blue circle"]),
]


def rows():
    for i, (name, (x0, y0, x1, y1), names) in enumerate(OBJECTS):
        yield {
            "question_id": str(469306 + i),
            "image": {"bytes": (TESTDATA / name).read_bytes(), "path": None},
            "question": "Please carefully observe the area circled in the image and come up with a caption for the area.",
            "answer": names,
            "segmentation": [x0, y0, x1, y0, x1, y1, x0, y1],
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "iscrowd": 0,
            "file_name": f"COCO_train2014_00000058185{i}_1{i}.jpg",
        }


def lmms_eval():
    number, text = datasets.Value("float32"), datasets.Value("string")
    features = datasets.Features({
        "question_id": text, "image": datasets.Image(), "question": text, "answer": datasets.Sequence(text),
        "segmentation": datasets.Sequence(number), "bbox": datasets.Sequence(number),
        "iscrowd": datasets.Value("int64"), "file_name": text,
    })
    datasets.Dataset.from_generator(rows, features=features).to_parquet(TESTDATA / "refcoco_val.parquet")
    with open(TESTDATA / "refcoco_val.jsonl", "w") as f:
        for row in rows():
            row["image"] = {"bytes": base64.b64encode(row["image"]["bytes"]).decode(), "path": None}
            f.write(json.dumps(row) + "\n")


def ofa():
    with open(TESTDATA / "refcoco_val.tsv", "w") as f:
        for i, (name, box, names) in enumerate(OBJECTS):
            picture = base64.urlsafe_b64encode((TESTDATA / name).read_bytes()).decode()
            for k, text in enumerate(names):
                f.write("\t".join([f"{79 + i}_{k}", str(581857 + i), text, ",".join(str(v) for v in box), picture]) + "\n")


if __name__ == "__main__":
    lmms_eval()
    ofa()
