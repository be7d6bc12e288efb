#include "main/tail_text.h"

#include "base/utf8.h"

/* The size of the character that `s` begins with; 0 where it is not one that can be shown. */
static size_t
text_char_size(struct str s)
{
    unsigned char first = (unsigned char)s.data[0];
    if (first < 0x80) {
        return first >= ' ' && first != 0x7f ? 1 : 0;
    }
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (size > s.size || !utf8_is_valid((struct str){s.data, size})) {
        return 0;
    }
    bool is_control = first == 0xc2 && (unsigned char)s.data[1] < 0xa0; /* U+0080 to U+009F */
    return is_control ? 0 : size;
}

static void
text_print(FILE *out, struct str text, bool is_tab_fine)
{
    while (text.size > 0) {
        size_t size = text_char_size(text);
        if (size > 0 || (is_tab_fine && text.data[0] == '\t')) {
            size = size > 0 ? size : 1;
            (void)fwrite(text.data, 1, size, out);
        } else {
            size = 1;
            (void)fprintf(out, "\\x%02x", (unsigned)(unsigned char)text.data[0]);
        }
        text = str_after(text, size);
    }
}

static void
text_print_line(FILE *out, const struct sse_event *event, struct str line)
{
    text_print(out, event->last_event_id.size > 0 ? event->last_event_id : STR("-"), false);
    (void)fputc('\t', out);
    text_print(out, event->type, false);
    (void)fputc('\t', out);
    text_print(out, line, true);
    (void)fputc('\n', out);
}

void
tail_text_print_event(FILE *out, const struct sse_event *event)
{
    struct str rest = event->data;
    const char *lf;
    while (rest.size > 0 && (lf = memchr(rest.data, '\n', rest.size)) != NULL) {
        size_t size = (size_t)(lf - rest.data);
        text_print_line(out, event, (struct str){rest.data, size});
        rest = str_after(rest, size + 1);
    }
    text_print_line(out, event, rest);
}

void
tail_text_print(FILE *out, struct str text)
{
    text_print(out, text, false);
}
