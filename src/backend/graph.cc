// A TensorFlow graph, run as one call, by several threads at once.
//
// What TensorFlow.js's own addon offers for graphs (saved models) optimises them for seconds, goes through the disk, and never frees its copies of the inputs. These functions take a graph
// as bytes and numbers as typed arrays; what goes in and comes out is float32.
//
// Parts know nothing of each other, with one exception: the operation FisherlabSumOverParts (`y = sum of x over all parts`), which batch normalisation needs in training. It waits until every part has
// come to it, so all parts have to run at the same time.
//
// What depends on weights alone is computed once (`prepare`) and stays here. What depends on images is computed for each part of them (`run`), every part by one thread from its first operation to its
// last: threads that share out operations instead spend a tenth of their time looking for one, and pass tensors between the caches of cores.
#include <node_api.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tensorflow/c/c_api.h"

// From tensorflow/c/kernels.h and ops.h, the first of which asks for headers that are not installed.
extern "C" {
struct TF_KernelBuilder;
struct TF_OpDefinitionBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
struct TF_ShapeHandle;
struct TF_ShapeInferenceContext;
TF_OpDefinitionBuilder* TF_NewOpDefinitionBuilder(const char* name);
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder* builder, const char* specification);
void TF_OpDefinitionBuilderAddOutput(TF_OpDefinitionBuilder* builder, const char* specification);
void TF_OpDefinitionBuilderSetShapeInferenceFunction(TF_OpDefinitionBuilder* builder, void (*infer)(TF_ShapeInferenceContext*, TF_Status*));
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder* builder, TF_Status* status);
TF_KernelBuilder* TF_NewKernelBuilder(const char* operation, const char* device, void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*));
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder* builder, TF_Status* status);
void TF_GetInput(TF_OpKernelContext* context, int k, TF_Tensor** tensor, TF_Status* status);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext* context, int k, TF_DataType type, const int64_t* dims, int rank, size_t bytes, TF_Status* status);
void TF_OpKernelContext_Failure(TF_OpKernelContext* context, TF_Status* status);
TF_ShapeHandle* TF_NewShapeHandle();
void TF_ShapeInferenceContextGetInput(TF_ShapeInferenceContext* context, int k, TF_ShapeHandle* shape, TF_Status* status);
void TF_ShapeInferenceContextSetOutput(TF_ShapeInferenceContext* context, int k, TF_ShapeHandle* shape, TF_Status* status);
void TF_DeleteShapeHandle(TF_ShapeHandle* shape);
}

namespace {

using Tensors = std::vector<TF_Tensor*>;

void Free(Tensors* tensors) {
  for (TF_Tensor* tensor : *tensors)
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  tensors->clear();
}

// A graph, its session, and where its inputs and outputs are.
struct Compiled {
  TF_Graph* graph = nullptr;
  TF_Session* session = nullptr;
  TF_Status* status = TF_NewStatus();
  std::vector<TF_Output> batch, weights, prepared, outputs;
  Tensors values;  // of `prepared`

  ~Compiled() {
    Free(&values);
    if (session != nullptr) TF_DeleteSession(session, status);
    if (graph != nullptr) TF_DeleteGraph(graph);
    TF_DeleteStatus(status);
  }

  bool ok() const { return TF_GetCode(status) == TF_OK; }
};

// Threads that live as long as the process (oneDNN keeps what it compiled for each thread) and wait for work.
class Workers {
 public:
  // Calls work(k) for k = 0 … count − 1, on at most `threads` threads of which the caller is one.
  void Run(size_t count, size_t threads, const std::function<void(size_t)>& work) {
    std::lock_guard<std::mutex> one(runs_);
    std::unique_lock<std::mutex> lock(mutex_);
    work_ = &work;
    next_ = 0;
    count_ = count;
    wanted_ = std::min(threads, count) - 1;
    while (made_ < wanted_) std::thread(&Workers::Wait, this, made_++).detach();
    round_++;
    begin_.notify_all();
    Take(&lock);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  // Takes one piece of work after the other, without the lock while it works.
  void Take(std::unique_lock<std::mutex>* lock) {
    busy_++;
    while (next_ < count_) {
      const size_t k = next_++;
      const auto& work = *work_;
      lock->unlock();
      work(k);
      lock->lock();
    }
    busy_--;
    done_.notify_all();
  }

  void Wait(size_t number) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (size_t seen = round_ - 1;;) {
      begin_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      if (number < wanted_) Take(&lock);
    }
  }

  std::mutex runs_;  // one call at a time
  std::mutex mutex_;
  std::condition_variable begin_, done_;
  const std::function<void(size_t)>* work_ = nullptr;
  size_t next_ = 0, count_ = 0, wanted_ = 0, made_ = 0, busy_ = 0, round_ = 0;
};

// The parts of one run, who meet at every FisherlabSumOverParts.
class Meeting {
 public:
  explicit Meeting(size_t parts) : from_(parts) {}

  // Waits for the others and writes the sum over the parts, always in the same order, to `to`. False where a part has failed and will not come.
  bool Sum(size_t part, const float* from, float* to, size_t length) {
    std::unique_lock<std::mutex> lock(mutex_);
    from_[part] = from;
    const size_t round = round_;
    if (++here_ == from_.size()) {
      sum_.assign(length, 0);
      for (const float* own : from_)
        for (size_t k = 0; k < length; k++) sum_[k] += own[k];
      here_ = 0;
      round_++;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return round_ != round || failed_; });
    if (round_ == round) return false;
    std::copy(sum_.begin(), sum_.end(), to);
    // Nobody may begin the next sum before everybody has this one.
    if (++gone_ == from_.size()) {
      gone_ = 0;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return gone_ == 0 || failed_; });
    return true;
  }

  void Fail() {
    std::lock_guard<std::mutex> lock(mutex_);
    failed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<const float*> from_;
  std::vector<float> sum_;
  size_t here_ = 0, gone_ = 0, round_ = 0;
  bool failed_ = false;
};

// The part that this thread computes, and whom it meets; null where parts do not all run at the same time.
thread_local Meeting* meeting = nullptr;
thread_local size_t part_of_thread = 0;

constexpr char kSumOverParts[] = "FisherlabSumOverParts";

void SumOverParts(void*, TF_OpKernelContext* context) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor *from = nullptr, *to = nullptr;
  TF_GetInput(context, 0, &from, status);
  if (TF_GetCode(status) == TF_OK) {
    std::vector<int64_t> dims;
    for (int k = 0; k < TF_NumDims(from); k++) dims.push_back(TF_Dim(from, k));
    to = TF_AllocateOutput(context, 0, TF_FLOAT, dims.data(), static_cast<int>(dims.size()), TF_TensorByteSize(from), status);
  }
  if (TF_GetCode(status) == TF_OK &&
      (meeting == nullptr || !meeting->Sum(part_of_thread, static_cast<const float*>(TF_TensorData(from)), static_cast<float*>(TF_TensorData(to)),
                                           TF_TensorByteSize(from) / sizeof(float))))
    TF_SetStatus(status, TF_ABORTED, "another part failed, or parts do not run at the same time");
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  if (from != nullptr) TF_DeleteTensor(from);
  if (to != nullptr) TF_DeleteTensor(to);
  TF_DeleteStatus(status);
}

void SameShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, 0, shape, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, 0, shape, status);
  TF_DeleteShapeHandle(shape);
}

// Once a process, however often the addon is loaded (by a worker, say).
void RegisterSumOverParts() {
  static std::once_flag once;
  std::call_once(once, [] {
    TF_Status* status = TF_NewStatus();
    TF_OpDefinitionBuilder* operation = TF_NewOpDefinitionBuilder(kSumOverParts);
    TF_OpDefinitionBuilderAddInput(operation, "x: float");
    TF_OpDefinitionBuilderAddOutput(operation, "y: float");
    TF_OpDefinitionBuilderSetShapeInferenceFunction(operation, SameShape);
    TF_RegisterOpDefinition(operation, status);
    TF_RegisterKernelBuilder(kSumOverParts, TF_NewKernelBuilder(kSumOverParts, "CPU", nullptr, SumOverParts, nullptr), status);
    TF_DeleteStatus(status);  // where it is not registered, graphs that need it cannot be made
  });
}

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

// An array of as many arguments as are wanted; empty where there is another number.
template <size_t N>
bool Arguments(napi_env env, napi_callback_info info, napi_value (&arguments)[N]) {
  size_t count = N;
  return napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok && count == N;
}

Compiled* Handle(napi_env env, napi_value value) {
  void* data = nullptr;
  return napi_get_value_external(env, value, &data) == napi_ok ? static_cast<Compiled*>(data) : nullptr;
}

// Outputs of operations by name, `name:k`.
bool Find(napi_env env, TF_Graph* graph, napi_value names, std::vector<TF_Output>* found) {
  for (napi_value element : Elements(env, names)) {
    size_t length = 0;
    napi_get_value_string_utf8(env, element, nullptr, 0, &length);
    std::string name(length, '\0');
    napi_get_value_string_utf8(env, element, &name[0], length + 1, &length);
    const size_t colon = name.rfind(':');
    if (colon == std::string::npos) return false;
    TF_Operation* operation = TF_GraphOperationByName(graph, name.substr(0, colon).c_str());
    if (operation == nullptr) return false;
    found->push_back({operation, std::stoi(name.substr(colon + 1))});
  }
  return true;
}

std::vector<int64_t> Dimensions(napi_env env, napi_value shape) {
  std::vector<int64_t> dims;
  for (napi_value element : Elements(env, shape)) {
    int64_t length = 0;
    napi_get_value_int64(env, element, &length);
    dims.push_back(length);
  }
  return dims;
}

// compile(graph: Uint8Array of a GraphDef, config: Uint8Array of a ConfigProto, batch, weights, prepared, outputs: names `name:k`): a handle, freed with the last reference to it.
napi_value Compile(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  if (!Arguments(env, info, arguments)) return Fail(env, "six arguments");
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
  std::vector<TF_Output>* named[] = {&compiled->batch, &compiled->weights, &compiled->prepared, &compiled->outputs};
  for (size_t k = 0; k < 4; k++)
    if (!Find(env, compiled->graph, arguments[2 + k], named[k])) return Fail(env, "no operation of that name");
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_SetConfig(options, config_bytes, config_length, compiled->status);
  if (compiled->ok()) compiled->session = TF_NewSession(compiled->graph, options, compiled->status);
  TF_DeleteSessionOptions(options);
  if (!compiled->ok()) return Fail(env, TF_Message(compiled->status));
  return handle;
}

// prepare(handle, weights: Float32Array[], shapes: number[][]): computes what depends on weights alone, and keeps it for `run`.
napi_value Prepare(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  if (!Arguments(env, info, arguments)) return Fail(env, "three arguments");
  Compiled* compiled = Handle(env, arguments[0]);
  if (compiled == nullptr) return Fail(env, "not a handle");
  const std::vector<napi_value> arrays = Elements(env, arguments[1]);
  const std::vector<napi_value> shapes = Elements(env, arguments[2]);
  if (arrays.size() != compiled->weights.size() || shapes.size() != arrays.size()) return Fail(env, "another number of weights");
  Free(&compiled->values);
  if (compiled->prepared.empty()) return nullptr;
  Tensors weights;
  for (size_t k = 0; k < arrays.size(); k++) {
    const std::vector<int64_t> dims = Dimensions(env, shapes[k]);
    size_t length = 0;
    void* numbers = nullptr;
    napi_get_typedarray_info(env, arrays[k], nullptr, &length, &numbers, nullptr, nullptr);
    // A copy, for an operation may hand its input on as its result, which outlives this call.
    TF_Tensor* tensor = TF_AllocateTensor(TF_FLOAT, dims.data(), static_cast<int>(dims.size()), length * sizeof(float));
    if (length > 0) std::memcpy(TF_TensorData(tensor), numbers, length * sizeof(float));
    weights.push_back(tensor);
  }
  Tensors values(compiled->prepared.size(), nullptr);
  TF_SessionRun(compiled->session, nullptr, compiled->weights.data(), weights.data(), static_cast<int>(weights.size()),
                compiled->prepared.data(), values.data(), static_cast<int>(values.size()), nullptr, 0, nullptr, compiled->status);
  Free(&weights);
  if (!compiled->ok()) return Fail(env, TF_Message(compiled->status));
  compiled->values = values;
  return nullptr;
}

// The numbers of a JavaScript array stay where they are: they outlive the call that reads them.
void Nothing(void*, size_t, void*) {}

// The rows of all parts behind each other, or the sum of the parts.
napi_value Joined(napi_env env, const std::vector<Tensors>& parts, size_t output, bool rows) {
  size_t bytes = 0;
  for (const Tensors& part : parts) bytes = rows ? bytes + TF_TensorByteSize(part[output]) : TF_TensorByteSize(part[output]);
  void* numbers = nullptr;
  napi_value buffer, array;
  napi_create_arraybuffer(env, bytes, &numbers, &buffer);
  const size_t length = bytes / sizeof(float);
  auto* to = static_cast<float*>(numbers);
  for (size_t p = 0; p < parts.size(); p++) {
    const size_t own = TF_TensorByteSize(parts[p][output]);
    const auto* from = static_cast<const float*>(TF_TensorData(parts[p][output]));
    if (own == 0) continue;
    if (rows) {
      std::memcpy(to, from, own);
      to += own / sizeof(float);
    } else {
      for (size_t k = 0; k < length; k++) to[k] = p == 0 ? from[k] : to[k] + from[k];
    }
  }
  napi_create_typedarray(env, napi_float32_array, length, buffer, 0, &array);
  return array;
}

// run(handle, batch: Float32Array[], shapes: number[][] of one part, parts: number, threads: number, rows: number): Float32Array[]
// Each array of the batch holds all parts behind each other. The first `rows` outputs are rows of every part, the others sums over them.
napi_value Run(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  if (!Arguments(env, info, arguments)) return Fail(env, "six arguments");
  Compiled* compiled = Handle(env, arguments[0]);
  if (compiled == nullptr) return Fail(env, "not a handle");
  const std::vector<napi_value> arrays = Elements(env, arguments[1]);
  const std::vector<napi_value> shapes = Elements(env, arguments[2]);
  uint32_t parts = 0, threads = 0, rows = 0;
  napi_get_value_uint32(env, arguments[3], &parts);
  napi_get_value_uint32(env, arguments[4], &threads);
  napi_get_value_uint32(env, arguments[5], &rows);
  if (arrays.size() != compiled->batch.size() || shapes.size() != arrays.size()) return Fail(env, "another number of inputs");
  if (compiled->values.size() != compiled->prepared.size()) return Fail(env, "not prepared");
  if (parts == 0 || threads == 0) return Fail(env, "nothing to do");

  std::vector<float*> numbers(arrays.size());
  std::vector<size_t> lengths(arrays.size());
  std::vector<std::vector<int64_t>> dims;
  for (size_t k = 0; k < arrays.size(); k++) {
    size_t length = 0;
    void* data = nullptr;
    napi_get_typedarray_info(env, arrays[k], nullptr, &length, &data, nullptr, nullptr);
    numbers[k] = static_cast<float*>(data);
    lengths[k] = length / parts;
    dims.push_back(Dimensions(env, shapes[k]));
  }
  std::vector<TF_Output> inputs = compiled->batch;
  inputs.insert(inputs.end(), compiled->prepared.begin(), compiled->prepared.end());
  std::vector<Tensors> results(parts, Tensors(compiled->outputs.size(), nullptr));
  std::vector<std::string> problems(parts);
  Meeting together(parts);
  static Workers& workers = *new Workers;  // never freed: its threads may still wait when the process ends
  workers.Run(parts, threads, [&](size_t p) {
    Tensors own;
    for (size_t k = 0; k < arrays.size(); k++) {
      own.push_back(TF_NewTensor(TF_FLOAT, dims[k].data(), static_cast<int>(dims[k].size()), numbers[k] + p * lengths[k],
                                 lengths[k] * sizeof(float), Nothing, nullptr));
    }
    Tensors values = own;
    values.insert(values.end(), compiled->values.begin(), compiled->values.end());
    TF_Status* status = TF_NewStatus();
    meeting = threads >= parts ? &together : nullptr;
    part_of_thread = p;
    TF_SessionRun(compiled->session, nullptr, inputs.data(), values.data(), static_cast<int>(values.size()), compiled->outputs.data(),
                  results[p].data(), static_cast<int>(results[p].size()), nullptr, 0, nullptr, status);
    meeting = nullptr;
    if (TF_GetCode(status) != TF_OK) {
      problems[p] = TF_Message(status);
      together.Fail();
    }
    TF_DeleteStatus(status);
    Free(&own);
  });
  const auto problem = std::find_if(problems.begin(), problems.end(), [](const std::string& text) { return !text.empty(); });
  napi_value joined = nullptr;
  if (problem != problems.end()) {
    Fail(env, problem->c_str());
  } else {
    napi_create_array_with_length(env, compiled->outputs.size(), &joined);
    for (uint32_t k = 0; k < compiled->outputs.size(); k++) napi_set_element(env, joined, k, Joined(env, results, k, k < rows));
  }
  for (Tensors& part : results) Free(&part);
  return joined;
}

void Export(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value) == napi_ok) napi_set_named_property(env, exports, name, value);
}

}  // namespace

NAPI_MODULE_INIT() {
  RegisterSumOverParts();
  Export(env, exports, "compile", Compile);
  Export(env, exports, "prepare", Prepare);
  Export(env, exports, "run", Run);
  return exports;
}
