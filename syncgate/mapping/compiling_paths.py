"""Writes how paths are read: every object on the way is fetched once."""

from __future__ import annotations

from syncgate.mapping import document as model
from syncgate.mapping.compiling_pieces import PieceWriter


class PathWriter(PieceWriter):
    """Writes the reading of paths."""

    def read(self, path: model.Path) -> str:
        """A path's value: keys of objects that are fetched once, and never a null."""
        root = self.items[-1] if path.root == "it" else "case" if path.root in ("case", "record") else "part"
        if not path.keys:
            return root
        if path.root == "it":
            holder = self.holder(root, path, path.keys[:-1], is_hoisted=False)
            value = self.name()
            self.line(f"{value} = {holder}.get({self.constant(path.keys[-1])})")
            return value
        if (root, path.keys) not in self.values:
            holder = self.holder(root, path, path.keys[:-1], is_hoisted=True)
            value = self.values[root, path.keys] = self.name()
            self.head.append(f"    {value} = {holder}.get({self.constant(path.keys[-1])})")
        return self.values[root, path.keys]

    def holder(self, root: str, path: model.Path, keys: tuple[str, ...], *, is_hoisted: bool) -> str:
        """The object that holds a path's last key; EMPTY where it is absent, NotAnObject where it is none."""
        if is_hoisted and (root, keys) in self.objects:
            return self.objects[root, keys]
        found = self.name("o")
        if keys:
            above = self.holder(root, path, keys[:-1], is_hoisted=is_hoisted)
            written = f"{above}.get({self.constant(keys[-1])})"
        else:
            written = root
        steps = (*self.it_steps[-1], *keys) if path.root == "it" else (path.root, *keys)
        place = self.constant(".".join(steps))
        lines = (
            f"{found} = {written}",
            f"if {found}.__class__ is not dict: {found} = EMPTY if {found} is None else NotAnObject({found}, {place})",
        )
        if is_hoisted:
            self.head.extend(f"    {line}" for line in lines)
            self.objects[root, keys] = found
        else:
            for line in lines:
                self.line(line)
        return found
