// SPDX-License-Identifier: MIT
#include "tools/page/live.h"

#include "tools/stage/recording.h"

namespace greyhound::page {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kJson = "application/json; charset=utf-8";
constexpr int kBadRequest = 400;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void LivePage::add_routes(serve::DebugServer* server) {
  server->get("/lab", [this](const serve::Request&) { return page(); });
  server->get("/lab/stage", [this](const serve::Request&) { return snapshot(); });
  server->post_control("/lab/stage",
                       [this](const serve::Request& request) { return command(request.body); });
}

void LivePage::show(const LabPage& page) {
  std::string html = lab_page_html(page, true);
  std::lock_guard lock(mutex_);
  html_ = std::move(html);
}

serve::Response LivePage::page() {
  std::lock_guard lock(mutex_);
  if (html_.empty()) {
    LabPage unmeasured;
    unmeasured.recordings = stage::recordings();
    html_ = lab_page_html(unmeasured, true);
  }
  serve::Response response;
  response.content_type = "text/html; charset=utf-8";
  response.body = html_;
  return response;
}

serve::Response LivePage::snapshot() {
  std::lock_guard lock(mutex_);
  if (stage_ == nullptr) stage_ = std::make_unique<stage::Stage>();
  serve::Response response;
  response.content_type = kJson;
  response.body = text_of(stage_->snapshot());
  return response;
}

serve::Response LivePage::command(const std::string& body) try {
  const Json asked = Json::parse(body, nullptr, false);
  std::lock_guard lock(mutex_);
  if (stage_ == nullptr) stage_ = std::make_unique<stage::Stage>();
  serve::Response response;
  response.body = text_of(stage_->apply(asked));
  response.content_type = kJson;
  return response;
} catch (const stage::CommandError& error) {
  serve::Response response;
  response.status = kBadRequest;
  response.body = std::string(error.what()) + "\n";
  return response;
}

}  // namespace greyhound::page
