"""`python -m models` prints the table of weights."""

from __future__ import annotations

from models.checkpoints import CHECKPOINTS, weights_info


def main() -> None:
    """Print one line for each record: name, family, parameters, picture size, licence, what it is."""
    for record in CHECKPOINTS.values():
        state = "not on disk"
        if record.folder.is_dir():
            info = weights_info(record.name)
            state = f"{info.num_parameters / 1e6:.2f} M parameters, {info.image_size} px, {info.steps} steps"
        print(f"{record.name:18} {record.family:12} {state:44} {record.license:6} {record.summary}")


if __name__ == "__main__":
    main()
