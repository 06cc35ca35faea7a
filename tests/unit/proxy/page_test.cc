// The page of the admin API before any data: which files there are, what a browser may do with them, and that a
// stranger sees nothing else.
#include "proxy/ops/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proxy/ops/callers.h"

namespace postigo {
namespace {

using testing::HasSubstr;
using testing::Not;

Http::Request request(const std::string& method, const std::string& path) {
  Http::Request made;
  made.method = method;
  made.path = path;
  return made;
}

// Null: it went to the API behind the gate.
std::optional<Http::Page> at_the_gate(const std::string& method, const std::string& path) {
  return page_gate(gate_for([](const Http::Request&) { return std::nullopt; }))(request(method, path));
}

TEST(PageTest, TheFilesAreInTheProgram) {
  for (auto [path, type] : {std::pair("/", "text/html; charset=utf-8"),
                            {"/ui/", "text/html; charset=utf-8"},
                            {"/ui/page.html", "text/html; charset=utf-8"},
                            {"/ui/page.css", "text/css; charset=utf-8"},
                            {"/ui/page.js", "text/javascript; charset=utf-8"},
                            {"/ui/icon.svg", "image/svg+xml"}}) {
    auto page = at_the_gate("GET", path);
    ASSERT_TRUE(page) << path;
    EXPECT_EQ(page->status, 200) << path;
    EXPECT_EQ(page->type, type) << path;
    EXPECT_GT(page->body.size(), 100U) << path;
  }
  EXPECT_THAT(at_the_gate("HEAD", "/")->body, HasSubstr("<!doctype html>")) << "http.cc leaves it out";
}

// What the policy forbids would not work, and nobody would see it in a unit test: so it must not be there.
TEST(PageTest, NothingInlineAndNothingFromElsewhere) {
  for (const PageFile& file : page_files()) {
    std::string body(file.body);
    EXPECT_THAT(body, Not(HasSubstr("innerHTML"))) << file.name;
    EXPECT_THAT(body, Not(HasSubstr("//cdn"))) << file.name;
    EXPECT_THAT(body, Not(HasSubstr("style="))) << file.name;
    EXPECT_THAT(body, Not(testing::ContainsRegex("<script>|on(click|load|error)="))) << file.name;
    EXPECT_THAT(body, Not(HasSubstr("https://"))) << file.name;
  }
}

TEST(PageTest, WhatABrowserMayDo) {
  for (const char* path : {"/", "/ui/page.js", "/ui/nothing"}) {
    std::string fields = at_the_gate("GET", path)->fields;
    EXPECT_THAT(fields, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';"));
    EXPECT_THAT(fields, HasSubstr("frame-ancestors 'none'"));
    EXPECT_THAT(fields, HasSubstr("require-trusted-types-for 'script'"));
    EXPECT_THAT(fields, Not(HasSubstr("unsafe")));
    EXPECT_THAT(fields, HasSubstr("Referrer-Policy: no-referrer\r\n"));
    EXPECT_TRUE(fields.ends_with("\r\n"));
  }
}

TEST(PageTest, ElseThereIsNothing) {
  for (const char* path : {"/ui/nothing", "/ui/../page.html", "/ui//page.js", "/ui/page.js/", "/ui/page.j"}) {
    EXPECT_EQ(at_the_gate("GET", path)->status, 404) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "get"}) {
    EXPECT_EQ(at_the_gate(method, "/")->status, 405) << method;
  }
}

TEST(PageTest, StrangersSeeNoData) {
  for (const char* path : {"/api/v1/status", "/api/v1/who", "/ui", "/page.js", "/metrics", ""}) {
    EXPECT_EQ(at_the_gate("GET", path)->status, 401) << path;
  }
  auto open = page_gate([](const Http::Request&) { return std::nullopt; });
  EXPECT_FALSE(open(request("GET", "/api/v1/status"))) << "who is known gets through";
}

}  // namespace
}  // namespace postigo
