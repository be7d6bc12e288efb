"""The lints find what they are for: each sentence of theirs is provoked once in a small tree."""

import pathlib
import tempfile
import unittest

import banned
import rooms
import shape


def problems(lint, **files):
    """What the lint says about a tree of one file: its path with '__' for '/' and '_' + suffix."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root) / (name.replace("__", "/")[:-2] + "." + name[-1])
            path.parent.mkdir(parents=True)
            path.write_text(text)
        return [problem.removeprefix(root + "/") for problem in lint.check(root)]


class Rooms(unittest.TestCase):
    def test_an_allowed_edge_passes(self):
        self.assertEqual(problems(rooms, src__event__loop_c='#include "base/list.h"\n#include "event/loop.h"\n'
                                  "#include <event2/event.h>\n#include <stdlib.h>\n"), [])

    def test_a_forbidden_edge_is_found(self):
        self.assertEqual(problems(rooms, src__base__str_c='\n#include "event/loop.h"\n'),
                         ['src/base/str.c:2: base may not include event ("event/loop.h")'])

    def test_a_forbidden_edge_of_a_header_is_found(self):
        self.assertEqual(len(problems(rooms, src__routing__table_h='# include   "sources/source.h"\n')), 1)

    def test_libevent_in_the_wrong_room_is_found(self):
        self.assertEqual(problems(rooms, src__routing__table_c="#include <event2/event.h>\n"),
                         ["src/routing/table.c:1: routing may not use libevent (<event2/event.h>)"])

    def test_an_include_that_is_not_rooted_at_src_is_found(self):
        for path in ("str.h", "../base/str.h", "elsewhere/str.h"):
            self.assertEqual(len(problems(rooms, src__event__loop_c=f'#include "{path}"\n')), 1, path)

    def test_an_unknown_room_is_found(self):
        self.assertEqual(problems(rooms, src__misc__all_c=""), ["src/misc/all.c: misc is not in the table of rooms"])

    def test_the_table_has_no_circle(self):
        done = set()
        while len(done) < len(rooms.ALLOWED):
            free = [r for r, uses in rooms.ALLOWED.items() if r not in done and done.issuperset(uses)]
            self.assertTrue(free)
            done.update(free)


class Banned(unittest.TestCase):
    def test_each_banned_call_is_found(self):
        for name in banned.CALLS:
            self.assertEqual(len(problems(banned, src__base__str_c=f"void\nf(void)\n{{\n    x = {name} (y);\n}}\n")), 1)

    def test_the_longer_names_pass(self):
        self.assertEqual(problems(banned, src__base__str_c="snprintf(a); gmtime_r(b); str_gets(d);"), [])

    def test_comments_and_literals_pass(self):
        self.assertEqual(problems(banned, src__base__str_c='/* strcpy(a,\nb) */ puts("volatile \\" gets(x)");\n'), [])

    def test_a_line_number_counts_the_lines_of_comments(self):
        self.assertEqual(problems(banned, src__base__str_c="/*\n\n*/\nvolatile int x;\n"),
                         ["src/base/str.c:4: volatile is banned, use _Atomic"])

    def test_exit_outside_main_is_found(self):
        self.assertEqual(problems(banned, src__http__conn_c="exit(1);"), ["src/http/conn.c:1: exit is main's"])
        self.assertEqual(problems(banned, src__main__main_c="exit(1);"), [])

    def test_assert_with_a_side_effect_is_found(self):
        self.assertEqual(len(problems(banned, src__base__str_c="assert(n++ < 3);")), 1)
        self.assertEqual(len(problems(banned, src__base__str_c="assert((x = f()));")), 1)
        self.assertEqual(problems(banned, src__base__str_c="assert(x == f() && y <= 3 && z != 1);"), [])


class Shape(unittest.TestCase):
    def test_a_long_file_is_found(self):
        self.assertEqual(problems(shape, src__base__str_c="\n" * shape.LINES_MAX), [])
        self.assertEqual(len(problems(shape, src__base__str_c="\n" * (shape.LINES_MAX + 1))), 1)

    def test_a_header_without_its_guard_is_found(self):
        self.assertEqual(len(problems(shape, src__base__str_h="int x;\n")), 1)
        self.assertEqual(problems(shape, src__base__str_h="#pragma once\n"), [])

    def test_what_is_left_for_later_is_found(self):
        self.assertEqual(len(problems(shape, src__base__str_c="/* TO" "DO */\n")), 1)


if __name__ == "__main__":
    unittest.main()
