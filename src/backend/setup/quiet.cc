// A call during which nothing reaches the standard error output.
//
// TensorFlow's library writes two lines to it while it is loaded, before any setting of its own is looked at: that log messages come
// before the log is initialised, and that oneDNN is on. JavaScript cannot redirect a file descriptor; `dup2` can, at once.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

// quietly(f): calls f() and returns what it returns; an exception passes through.
static napi_value Quietly(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value callback, self, result = nullptr;
  if (napi_get_cb_info(env, info, &count, &callback, nullptr, nullptr) != napi_ok) return nullptr;
  napi_get_undefined(env, &self);
  const int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (kept >= 0 && nothing >= 0) dup2(nothing, STDERR_FILENO);
  napi_call_function(env, self, callback, 0, nullptr, &result);
  if (kept >= 0) {
    dup2(kept, STDERR_FILENO);
    close(kept);
  }
  if (nothing >= 0) close(nothing);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "quietly", NAPI_AUTO_LENGTH, Quietly, nullptr, &function) == napi_ok) {
    napi_set_named_property(env, exports, "quietly", function);
  }
  return exports;
}
