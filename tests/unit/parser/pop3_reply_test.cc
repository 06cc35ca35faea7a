// Reply lines and their codes, and the queue that says whose reply comes next.
#include "parser/pop3/reply.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "parser/pop3/reply_queue.h"

namespace postigo::pop3 {
namespace {

TEST(Pop3Reply, StatusCodeAndText) {
  struct Row {
    const char* line;
    Reply::Status status;
    const char* code;
    const char* text;
  };
  const Row table[] = {
      {"+OK", Reply::Status::ok, "", ""},
      {"+OK ", Reply::Status::ok, "", ""},
      {"+OK hello", Reply::Status::ok, "", "hello"},
      {"+OK [XCLIENT] Dovecot ready.", Reply::Status::ok, "XCLIENT", "Dovecot ready."},
      {"+OK [XCLIENT]", Reply::Status::ok, "XCLIENT", ""},
      {"-ERR [SYS/TEMP] later", Reply::Status::err, "SYS/TEMP", "later"},
      {"-ERR [IN-USE]locked", Reply::Status::err, "IN-USE", "locked"},
      {"-ERR see [AUTH] there", Reply::Status::err, "", "see [AUTH] there"},
      {"-ERR [not a code] x", Reply::Status::err, "", "[not a code] x"},
      {"-ERR [AUTH", Reply::Status::err, "", "[AUTH"},
      {"-ERR [] x", Reply::Status::err, "", "[] x"},
      {"+", Reply::Status::proceed, "", ""},
      {"+ ", Reply::Status::proceed, "", ""},
      {"+ VXNlcg==", Reply::Status::proceed, "", "VXNlcg=="},
      {"", Reply::Status::nonsense, "", ""},
      {"+ok", Reply::Status::nonsense, "", ""},
      {"-", Reply::Status::nonsense, "", ""},
      {"* OK", Reply::Status::nonsense, "", ""},
  };
  for (const Row& row : table) {
    Reply reply = parse_reply(row.line);
    EXPECT_EQ(reply.status, row.status) << row.line;
    EXPECT_EQ(reply.code, row.code) << row.line;
    EXPECT_EQ(reply.text, row.text) << row.line;
  }
}

TEST(Pop3Reply, T56_CodesFollowTheGrammar) {
  for (Bytes code : {"AUTH", "SYS/TEMP", "A/B/C", "IN-USE", "X.y{z"}) EXPECT_TRUE(is_response_code(code)) << code;
  for (Bytes code : {"", "/", "A/", "/A", "A//B", "A B", "A]B", "A\x7f", "A\r\nB", "\xc3\xa9"}) {
    EXPECT_FALSE(is_response_code(code)) << code;
  }
  EXPECT_TRUE(is_response_code(std::string(64, 'A')));
  EXPECT_FALSE(is_response_code(std::string(65, 'A')));
}

TEST(Pop3ReplyQueue, IsAQueueOfShapesAtEveryFillAndTurn) {
  ReplyQueue queue;
  std::deque<Shape> model;
  unsigned next = 0;
  for (int round = 0; round < 500; ++round) {
    for (int i = round % 7; i >= 0 && !queue.full(); --i) {
      auto shape = static_cast<Shape>(next++ * 7 % 3);
      queue.push(shape);
      model.push_back(shape);
    }
    for (int i = round % 5; i >= 0 && !queue.empty(); --i) {
      ASSERT_EQ(queue.pop(), model.front());
      model.pop_front();
    }
    ASSERT_EQ(queue.empty(), model.empty());
    ASSERT_EQ(queue.full(), model.size() == ReplyQueue::kMax);
  }
}

}  // namespace
}  // namespace postigo::pop3
