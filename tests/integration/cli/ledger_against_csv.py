"""Whether the work order system holds what a real CSV file says, column by column.

Standard library only, none of the engine: run by path in isolated mode.

    python -I ledger_against_csv.py streetlights streetlight.csv workorders.sqlite [refused.csv]

Prints one JSON object: rows of the file, rows that were refused, orders held, columns compared, and what differs.
"""

import base64
import csv
import hashlib
import json
import sqlite3
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

TAIPEI = ZoneInfo("Asia/Taipei")
NOTHING = ("", "N/A", "Unspecified")


def filed(text, form, zone):
    """The day and the time of Taipei at a local time."""
    at = datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone)).astimezone(TAIPEI)
    return {"filedDate": f"{at:%Y%m%d}", "filedTime": f"{at:%H%M%S}"}


def streetlights(row, batch, seen):
    return {
        "sourceNo": row["查報序號"],
        "item": "路燈故障查報",
        "address": row["行政區"] + " " + row["查報地點"].strip(),
        "content": row["故障情形"],
        **filed(row["查報日期"], "%Y-%m-%dT%H:%M:%S", "Asia/Taipei"),
    }


def nyc(row, batch, seen):
    corner = [row["Intersection Street 1"], row["Intersection Street 2"]]
    places = [row["Incident Address"], " & ".join(corner) if "" not in corner else ""]
    places += [row[name] for name in ("Taxi Pick Up Location", "Park Facility Name", "Bridge Highway Name", "Borough")]
    return {
        "sourceNo": row["Unique Key"],
        "item": row["Complaint Type"],
        "address": next(place for place in places if place not in NOTHING),
        **({"content": row["Descriptor"]} if row["Descriptor"] not in NOTHING else {}),
        **filed(row["Created Date"], "%m/%d/%Y %I:%M:%S %p", "America/New_York"),
    }


def ottawa(row, batch, seen):
    text = json.dumps([batch, row], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    number = base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:16]
    seen[number] += 1
    return {
        "sourceNo": number if seen[number] == 1 else f"{number}-{seen[number]}",
        "item": row["call_description"] or row["call_type"],
        "address": row["ward"],
        "content": row["call_type"],
        **filed(row["creation_date"], "%Y-%b-%d %H:%M:%S", "America/Toronto"),
    }


KINDS = {"streetlights": streetlights, "nyc": nyc, "ottawa": ottawa}


def expected(kind, file):
    """By the line where its row begins, the order that each row means."""
    seen, orders = Counter(), {}
    with open(file, encoding="utf-8-sig", newline="") as opened:
        reader = csv.reader(opened, strict=True)
        header = next(reader)
        begins = reader.line_num + 1
        for cells in reader:
            orders[begins] = KINDS[kind](dict(zip(header, cells, strict=True)), Path(file).name, seen)
            begins = reader.line_num + 1
    return orders


def held(ledger):
    """What the system holds by number, and how often it made each."""
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as opened:
        rows = opened.execute("SELECT key, record, kind FROM effects ORDER BY seq").fetchall()
    return {key: json.loads(record) for key, record, _ in rows}, Counter(key for key, _, _ in rows)


def refused_lines(file):
    """The lines of a list of refused rows."""
    if file is None or not Path(file).exists():
        return set()
    with open(file, encoding="utf-8-sig", newline="") as opened:
        return {int(row["line"]) for row in csv.DictReader(opened)}


def main(kind, file, ledger, listed=None):
    orders, refused = expected(kind, file), refused_lines(listed)
    holds, effects = held(ledger)
    wanted = {order["sourceNo"]: order for line, order in orders.items() if line not in refused}
    different = Counter()
    for number in wanted.keys() & holds.keys():
        for name in wanted[number].keys() | holds[number].keys():
            different[name] += wanted[number].get(name) != holds[number].get(name)
    told = {
        "rows": len(orders),
        "refused": len(refused),
        "held": len(holds),
        "columns": len(different),
        "missing": len(wanted.keys() - holds.keys()),
        "unexpected": len(holds.keys() - wanted.keys()),
        "more_than_once": sum(1 for count in effects.values() if count > 1),
        "different": {name: count for name, count in different.items() if count},
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
