"""A checkpoint that forgets: its last commit deleted, or all of it set back to an older copy."""

import shutil

from account import account_of


def newest(folder):
    return max(folder.glob("[0-9]*"), key=lambda path: int(path.name))


def test_the_last_commit_is_deleted(make_feed, length):
    """The last micro-batch is done again, with the same offsets: all of it is known already."""
    feed = make_feed()
    for _ in range(length.others):
        feed.send(feed.mixed(60))
        feed.run_once("--max-offsets", "40")
        newest(feed.stream.checkpoint / "commits").unlink()
    feed.send(feed.mixed(20))
    feed.run_once("--max-offsets", "40")
    account = account_of(feed)
    assert account.faults == [] and account.letters > 0
    # What was published before the commit was lost was noted in the table: it is not sent again.
    assert account.sent_twice == 0


def test_the_checkpoint_is_set_back(make_feed, tmp_path, length):
    """Other offsets under numbers of micro-batches that have been used."""
    feed = make_feed()
    for turn in range(length.others):
        feed.send(feed.mixed(30))
        feed.run_once("--max-offsets", "25")
        copy = tmp_path / f"copy{turn}"
        shutil.copytree(feed.stream.checkpoint, copy)
        feed.send(feed.mixed(30))
        feed.run_once("--max-offsets", "25")
        feed.send(feed.mixed(30))
        shutil.rmtree(feed.stream.checkpoint)
        shutil.copytree(copy, feed.stream.checkpoint)
    feed.run_once("--max-offsets", "45")
    account = account_of(feed, same_plans=False)
    assert account.faults == [] and account.letters > 0
