#include "http/page.h"

#include "http/page_data.h"

const struct page_file *
page_find(struct str path)
{
    static const struct page_file files[] = {
        {{"/", 1}, {"text/html; charset=utf-8", 24}, {page_index_html, PAGE_INDEX_HTML_SIZE}},
        {{"/runnel.css", 11},
         {"text/css; charset=utf-8", 23},
         {page_runnel_css, PAGE_RUNNEL_CSS_SIZE}},
        {{"/runnel.js", 10},
         {"text/javascript; charset=utf-8", 30},
         {page_runnel_js, PAGE_RUNNEL_JS_SIZE}},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (str_equal(path, files[i].path)) {
            return &files[i];
        }
    }
    return NULL;
}

struct str
page_fields(void)
{
    return STR("Cache-Control: no-cache\r\n"
               "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
               "connect-src 'self'; img-src data:; "
               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
               "Referrer-Policy: no-referrer\r\n");
}
