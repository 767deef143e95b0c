"""How runs come from elsewhere, and back from the trash."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import streamlit as st

from driftsched.core.errors import DriftSchedError
from driftsched.results import RunLibrary
from driftsched.results.files import io_errors, write_file
from driftsched.studio.library.tasks import take_in, uploads, without_home
from driftsched.studio.show import problem
from driftsched.studio.waiting import pool, result_of, work_key
from driftsched.studio.words import plain

MAX_MB = 50
LEFT_S = 3600.0
"""A ZIP that nobody took in within this time is removed."""
_TIMES = "library-imports"


def come_and_go(library: RunLibrary) -> None:
    """Draw what takes a run in, and what restores deleted ones."""
    with st.container(horizontal=True, gap="small"):
        with st.popover("Import", icon=":material/upload_file:"):
            _import()
        with st.popover("Deleted", icon=":material/restore_from_trash:"):
            _restore(library)


def _import() -> None:
    times = st.session_state.setdefault(_TIMES, 0)
    file = st.file_uploader(
        "A run's ZIP",
        type="zip",
        key=f"library-import-{times}",
        max_upload_size=MAX_MB,
        help="As Everything (ZIP) on the page Run, or `driftsched export --zip`, gives it.",
    )
    if file is None:
        return
    args = (f"{hashlib.sha256(file.file_id.encode()).hexdigest()}.zip",)
    try:
        if pool().known(work_key(take_in, args)) is None:
            _store(Path(uploads()) / args[0], file.getvalue())
    except DriftSchedError as error:
        problem(without_home(error))
        return
    run_id = result_of(take_in, args, slot="import")
    if run_id is not None:
        st.toast(f"Imported as {plain(run_id)}", icon=":material/bookmark_added:")
        st.session_state[_TIMES] = times + 1
        st.rerun()


def _store(path: Path, data: bytes) -> None:
    with io_errors("store the ZIP"):
        path.parent.mkdir(parents=True, exist_ok=True)
        for other in path.parent.glob("*.zip"):
            if time.time() - other.stat().st_mtime > LEFT_S:
                other.unlink(missing_ok=True)
    write_file(path, data)


def _restore(library: RunLibrary) -> None:
    trash = library.list(trash=True).set_index("run_id")
    if trash.empty:
        st.caption("Nothing is deleted.")
        return
    titles = {str(run_id): title for run_id, title in trash["title"].fillna("").items()}
    ids = st.multiselect(
        "Deleted runs",
        list(titles),
        format_func=lambda run_id: f"{titles[run_id]} ({run_id})",
        help="Only the owner of the server removes them for good.",
    )
    if st.button("Restore", icon=":material/undo:", disabled=not ids):
        try:
            library.restore(*ids)
        except DriftSchedError as error:
            problem(without_home(error))
        else:
            st.rerun()
