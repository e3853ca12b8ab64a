// libcurl. Its options are variadic, which Swift cannot call: one function per kind of argument.
#include <curl/curl.h>

static inline CURLcode curl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode curl_set_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode curl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}
// `prepare` gets each socket before it is connected.
static inline CURLcode curl_set_preparation(CURL *handle, curl_sockopt_callback prepare) {
  return curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, prepare);
}
// `read` gets each line of a proxy's answer.
static inline CURLcode curl_set_header_reader(CURL *handle, curl_write_callback read) {
  return curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, read);
}
static inline CURLcode curl_get_socket(CURL *handle, curl_socket_t *socket) {
  return curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, socket);
}
static inline CURLcode curl_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURL *curl_message_handle(CURLMsg *message) { return message->easy_handle; }
static inline CURLcode curl_message_result(CURLMsg *message) { return message->data.result; }
