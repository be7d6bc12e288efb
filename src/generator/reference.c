#include "generator/description.h"
#include "generator/pages.h"

static const char introduction[] =
    "# Every key of the config\n"
    "\n"
    "Made from `src/config/keys.def`; do not edit it by hand. `runnel check -c FILE` names "
    "everything that\n"
    "is wrong with a file at once. `example.yaml` beside this page shows most of the keys in use.\n"
    "\n"
    "- A config is one YAML document in UTF-8, at most 8 MiB. Unknown keys and keys given twice "
    "are errors.\n"
    "- **Sizes** are bytes, or digits with `K`, `M` or `G` (of 1024): `16K`.\n"
    "- **Durations** need a unit: `ms`, `s`, `m`, `h` or `d`: `15s`.\n"
    "- **Flags** are `true` or `false`; YAML 1.1's `yes` and `on` are errors.\n"
    "- **Variables**: `${NAME}` and `${NAME:-default}` in any value are replaced by the "
    "environment's, after\n"
    "  the YAML has been read. Without a default the variable must be set; with one it also stands "
    "in for an\n"
    "  empty variable. `$${` is a literal `${`.\n"
    "- **Secrets** belong into variables or files: `password_file`, `token_file`.\n"
    "- **Reload**: SIGHUP, or a change of the file, applies everything but the keys "
    "marked **Restart**:\n"
    "  those wait for one, and `/readyz` names them.\n"
    "- Paths of files are relative to the directory that runnel is started in.\n"
    "- Texts with signs such as `{` `[` `*` `:` need quotes: `topic: \"orders.{shop}\"`.\n";

/* The tables of the page: the keys of one table whose path begins with the group. */
static const struct section_title {
    enum key_table table;
    const char *group;
    const char *title;
    const char *key; /* of the root: its help is the introduction; NULL: about */
    const char *about;
} sections[] = {
    {TABLE_ROOT, "http.", "http", "http", NULL},
    {TABLE_ROOT, "stream.", "stream", "stream", NULL},
    {TABLE_ROOT, "admin.", "admin", "admin", NULL},
    {TABLE_ROOT, "replay.", "replay", "replay", NULL},
    {TABLE_ROOT, "log.", "log", "log", NULL},
    {TABLE_SOURCE, "", "sources.&lt;name&gt;", "sources", NULL},
    {TABLE_ROUTE, "", "routes[]", "routes", NULL},
    {TABLE_WHEN, "", "routes[].when[]", NULL,
     "A condition: `json` or `capture`, and one comparison. Several conditions are an \"and\"; a "
     "message "
     "that fails one makes no event of this route."},
};

static const char *
only_text(const struct key *k)
{
    switch (k->flags & KEY_ONLY) {
    case KEY_STORE_MEMORY:
        return "store: memory";
    case KEY_STORE_REDIS:
        return "store: redis";
    case KEY_MQTT:
        return "mqtt";
    case KEY_HTTP:
        return "http";
    case KEY_STREAM:
        return "redis-stream";
    case KEY_REDIS | KEY_STREAM:
        return "redis, redis-stream";
    case KEY_REDIS | KEY_MQTT | KEY_STREAM:
        return "redis, redis-stream, mqtt";
    default:
        return "";
    }
}

/* A cell of a table: its `|` would end it. */
static void
print_cell(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        fputs(*text == '|' ? "\\|" : (char[]){*text, '\0'}, to);
    }
}

static void
print_default(FILE *to, const struct key *k)
{
    if (k->default_text != NULL) {
        fprintf(to, "`%s`", k->default_text);
    } else if ((k->flags & KEY_REQUIRED) != 0) {
        fputs("*required*", to);
    } else if (k->type == KEY_ORIGINS || k->type == KEY_NETWORKS) {
        fputs("none", to);
    } else if (k->type == KEY_CHANNELS) {
        fputs("all", to);
    }
}

static void
print_key(FILE *to, const struct key *k, size_t prefix_size, bool has_only)
{
    char text[KEY_EXPECTED_SIZE];
    char description[DESCRIPTION_SIZE];
    fprintf(to, "| `%s` | ", k->path + prefix_size);
    if (has_only) {
        fprintf(to, "%s | ", only_text(k));
    }
    print_cell(to, key_expected(k, k->flags & KEY_ONLY, text));
    fputs(" | ", to);
    print_default(to, k);
    fputs(" | ", to);
    print_cell(to, description_of(k, " **Restart.**", description));
    fputs(" |\n", to);
}

static bool
is_in_section(const struct key *k, const struct section_title *section)
{
    return k->table == section->table && k->type != KEY_GROUP &&
           str_starts_with(str_from(k->path), str_from(section->group));
}

/* Whether the section has keys that stand only beside others. */
static bool
section_has_only(const struct section_title *section)
{
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (is_in_section(&keys[i], section) && (keys[i].flags & KEY_ONLY) != 0) {
            return true;
        }
    }
    return false;
}

static void
print_section(FILE *to, const struct section_title *section)
{
    bool has_only = section_has_only(section);
    const char *about = section->about;
    if (section->key != NULL) {
        about = keys_find(TABLE_ROOT, str_from(section->key))->help;
    }
    fprintf(to, "\n## %s\n%s\n\n", section->title, about);
    fputs(has_only ? "| key | only for | value | default | meaning |\n|---|---|---|---|---|\n"
                   : "| key | value | default | meaning |\n|---|---|---|---|\n",
          to);
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (is_in_section(&keys[i], section)) {
            print_key(to, &keys[i], strlen(section->group), has_only);
        }
    }
}

void
reference_write(FILE *to)
{
    fputs(introduction, to);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        print_section(to, &sections[i]);
    }
}
