// A TensorFlow graph, run as one call.
//
// What TensorFlow.js's own addon offers for graphs (saved models) optimises them for seconds, goes through the disk, and never frees its copies of the inputs. These two functions
// take a graph as bytes and numbers as typed arrays; there are no other types than float32.
#include <node_api.h>

#include <cstring>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"

namespace {

// A graph, its session, and where its inputs and outputs are.
struct Compiled {
  TF_Graph* graph = nullptr;
  TF_Session* session = nullptr;
  TF_Status* status = TF_NewStatus();
  std::vector<TF_Output> inputs;
  std::vector<TF_Output> outputs;

  ~Compiled() {
    if (session != nullptr) TF_DeleteSession(session, status);
    if (graph != nullptr) TF_DeleteGraph(graph);
    TF_DeleteStatus(status);
  }

  bool ok() const { return TF_GetCode(status) == TF_OK; }
};

void Finalize(napi_env, void* data, void*) { delete static_cast<Compiled*>(data); }

napi_value Fail(napi_env env, const char* message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

std::vector<napi_value> Elements(napi_env env, napi_value array) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  std::vector<napi_value> elements(length);
  for (uint32_t k = 0; k < length; k++) napi_get_element(env, array, k, &elements[k]);
  return elements;
}

// Operations by name, the first output of each.
bool Find(napi_env env, TF_Graph* graph, napi_value names, std::vector<TF_Output>* found) {
  for (napi_value element : Elements(env, names)) {
    size_t length = 0;
    napi_get_value_string_utf8(env, element, nullptr, 0, &length);
    std::string name(length, '\0');
    napi_get_value_string_utf8(env, element, name.data(), length + 1, &length);
    TF_Operation* operation = TF_GraphOperationByName(graph, name.c_str());
    if (operation == nullptr) return false;
    found->push_back({operation, 0});
  }
  return true;
}

// compile(graph: Uint8Array of a GraphDef, config: Uint8Array of a ConfigProto, inputs: names, outputs: names): a handle, freed with the last reference to it.
napi_value Compile(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 4) return Fail(env, "four arguments");
  void *graph_bytes = nullptr, *config_bytes = nullptr;
  size_t graph_length = 0, config_length = 0;
  napi_get_typedarray_info(env, arguments[0], nullptr, &graph_length, &graph_bytes, nullptr, nullptr);
  napi_get_typedarray_info(env, arguments[1], nullptr, &config_length, &config_bytes, nullptr, nullptr);

  auto* compiled = new Compiled;
  napi_value handle;
  if (napi_create_external(env, compiled, Finalize, nullptr, &handle) != napi_ok) {
    delete compiled;
    return Fail(env, "no handle");
  }
  compiled->graph = TF_NewGraph();
  TF_Buffer* definition = TF_NewBufferFromString(graph_bytes, graph_length);
  TF_ImportGraphDefOptions* import = TF_NewImportGraphDefOptions();
  TF_GraphImportGraphDef(compiled->graph, definition, import, compiled->status);
  TF_DeleteImportGraphDefOptions(import);
  TF_DeleteBuffer(definition);
  if (!compiled->ok()) return Fail(env, TF_Message(compiled->status));
  if (!Find(env, compiled->graph, arguments[2], &compiled->inputs) || !Find(env, compiled->graph, arguments[3], &compiled->outputs))
    return Fail(env, "no operation of that name");
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_SetConfig(options, config_bytes, config_length, compiled->status);
  if (compiled->ok()) compiled->session = TF_NewSession(compiled->graph, options, compiled->status);
  TF_DeleteSessionOptions(options);
  if (!compiled->ok()) return Fail(env, TF_Message(compiled->status));
  return handle;
}

// The numbers of a JavaScript array stay where they are: they outlive the call that reads them.
void Nothing(void*, size_t, void*) {}

// run(handle, inputs: Float32Array[], shapes: number[][]): Float32Array[]
napi_value Run(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 3) return Fail(env, "three arguments");
  void* data = nullptr;
  if (napi_get_value_external(env, arguments[0], &data) != napi_ok) return Fail(env, "not a handle");
  auto* compiled = static_cast<Compiled*>(data);
  const std::vector<napi_value> arrays = Elements(env, arguments[1]);
  const std::vector<napi_value> shapes = Elements(env, arguments[2]);
  if (arrays.size() != compiled->inputs.size() || shapes.size() != arrays.size()) return Fail(env, "another number of inputs");

  std::vector<TF_Tensor*> inputs;
  for (size_t k = 0; k < arrays.size(); k++) {
    std::vector<int64_t> dims;
    for (napi_value element : Elements(env, shapes[k])) {
      int64_t length = 0;
      napi_get_value_int64(env, element, &length);
      dims.push_back(length);
    }
    size_t length = 0;
    void* numbers = nullptr;
    napi_get_typedarray_info(env, arrays[k], nullptr, &length, &numbers, nullptr, nullptr);
    inputs.push_back(TF_NewTensor(TF_FLOAT, dims.data(), static_cast<int>(dims.size()), numbers, length * sizeof(float), Nothing, nullptr));
  }
  std::vector<TF_Tensor*> outputs(compiled->outputs.size(), nullptr);
  TF_SessionRun(compiled->session, nullptr, compiled->inputs.data(), inputs.data(), static_cast<int>(inputs.size()), compiled->outputs.data(),
                outputs.data(), static_cast<int>(outputs.size()), nullptr, 0, nullptr, compiled->status);
  for (TF_Tensor* input : inputs) TF_DeleteTensor(input);
  if (!compiled->ok()) return Fail(env, TF_Message(compiled->status));

  napi_value results;
  napi_create_array_with_length(env, outputs.size(), &results);
  for (size_t k = 0; k < outputs.size(); k++) {
    const size_t bytes = TF_TensorByteSize(outputs[k]);
    void* numbers = nullptr;
    napi_value buffer, array;
    napi_create_arraybuffer(env, bytes, &numbers, &buffer);
    std::memcpy(numbers, TF_TensorData(outputs[k]), bytes);
    TF_DeleteTensor(outputs[k]);
    napi_create_typedarray(env, napi_float32_array, bytes / sizeof(float), buffer, 0, &array);
    napi_set_element(env, results, static_cast<uint32_t>(k), array);
  }
  return results;
}

void Export(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value) == napi_ok) napi_set_named_property(env, exports, name, value);
}

}  // namespace

NAPI_MODULE_INIT() {
  Export(env, exports, "compile", Compile);
  Export(env, exports, "run", Run);
  return exports;
}
