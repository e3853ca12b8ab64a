// json-c. Some of its flags are expressions, which Swift does not import.
#include <json-c/json.h>
#include <json-c/printbuf.h>

static const int json_strict = JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8;
static const int json_strict_element = JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_ALLOW_TRAILING_CHARS;
static const int json_as_the_original =
    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_PRETTY_TAB | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
