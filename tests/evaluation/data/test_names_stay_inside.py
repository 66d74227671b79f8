"""What a data set's list names lies in the data set's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from whylight.evaluation.data.data_set import Unusable
from whylight.evaluation.data.files import inside


@pytest.mark.parametrize("name", ["../secret.jpg", "a/../../secret.jpg", "/etc/hostname", "a\0b"])
def test_names_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="leads out"):
        inside(tmp_path, name)


def test_links_in_the_folder_are_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "link").symlink_to(tmp_path)
    assert inside(tmp_path / "set", "link/picture.jpg").parent.resolve() == tmp_path


def test_names_inside_pass(tmp_path: Path) -> None:
    assert inside(tmp_path, "val/a.jpg") == tmp_path / "val" / "a.jpg"
