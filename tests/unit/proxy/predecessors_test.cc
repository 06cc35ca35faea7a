// Questions to processes that served before, over real links: who answers, who does not, who says something else.
#include "proxy/control/predecessors.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/control/successor.h"
#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

using Json = Link::Json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class PredecessorsTest : public LoopTest {
 protected:
  // One that answers what it is asked, unless it is to keep it.
  struct Old {
    explicit Old(Loop& loop)
        : successor(loop, [this](const std::string& what, const Json& parameters, Successor::Done done) {
            asked.push_back(what);
            if (silent) return kept.push_back(std::move(done));
            done(status, answer(what, parameters));
          }) {}
    Json answer(const std::string& what, const Json& parameters) const {
      return what == "status" ? Json{{"sessions", sessions}} : Json{{"what", what}, {"got", parameters}};
    }
    std::vector<std::string> asked;
    std::vector<Successor::Done> kept;
    bool silent = false;
    int status = 200;
    uint64_t sessions = 7;
    Successor successor;
  };

  // The newest process: links to these.
  void begin(std::vector<Old*> olds) {
    std::vector<Descriptor> links;
    for (Old* old : olds) {
      auto link = old->successor.expect();
      ASSERT_TRUE(link.has_value());
      links.push_back(std::move(*link));
    }
    newest = std::make_unique<Predecessors>(loop, std::move(links));
  }
  // One whose end of the link the test has itself.
  Descriptor begin_raw() {
    auto ends = Link::pair();
    EXPECT_TRUE(ends.has_value());
    std::vector<Descriptor> links;
    links.push_back(std::move(ends->first));
    newest = std::make_unique<Predecessors>(loop, std::move(links));
    return std::move(ends->second);
  }
  void ask(const Json& parameters = Json::object()) {
    told.reset();
    newest->ask("who", parameters, [this](Predecessors::Answers answers) { told = std::move(answers); });
  }
  Predecessors::Answers answers() {
    EXPECT_TRUE(run_until([this] { return told.has_value(); }));
    return told.value_or(Predecessors::Answers());
  }
  static void say(const Descriptor& end, LinkHead head, const std::vector<uint8_t>& octets) {
    std::string packet(reinterpret_cast<const char*>(&head), sizeof(head));
    packet.append(octets.begin(), octets.end());
    ASSERT_EQ(::send(end.get(), packet.data(), packet.size(), MSG_NOSIGNAL), static_cast<ssize_t>(packet.size()));
  }
  static LinkHead head_of(const Descriptor& end) {
    char room[1000];
    LinkHead head;
    EXPECT_GT(::recv(end.get(), room, sizeof(room), 0), static_cast<ssize_t>(sizeof(head)));
    std::memcpy(&head, room, sizeof(head));
    return head;
  }
  void TearDown() override {
    if (newest) newest->close();
    for (Old* old : {&first, &second}) old->successor.forget();
    LoopTest::TearDown();
  }

  Old first{loop}, second{loop};
  std::unique_ptr<Predecessors> newest;
  std::optional<Predecessors::Answers> told;
};

TEST_F(PredecessorsTest, NobodyIsAskedAndThatIsTheAnswer) {
  begin({});
  ask();
  ASSERT_TRUE(told.has_value()) << "at once";
  EXPECT_THAT(told->given, IsEmpty());
  EXPECT_THAT(told->missing, IsEmpty());
}

TEST_F(PredecessorsTest, BothAnswer) {
  begin({&first, &second});
  ask({{"user", "u"}});
  EXPECT_FALSE(told.has_value()) << "never from within";
  auto got = answers();
  ASSERT_THAT(got.given, SizeIs(2));
  for (const auto& each : got.given) {
    EXPECT_EQ(each.body.at("got").at("user"), "u");
    EXPECT_EQ(each.pid, getpid());
  }
  EXPECT_NE(got.given[0].from, got.given[1].from);
  EXPECT_THAT(got.missing, IsEmpty());
}

// Far more than a socket takes at once.
TEST_F(PredecessorsTest, ALongAnswerComesWhole) {
  begin({&first});
  ask({{"text", std::string(5'000'000, 'x')}});
  auto got = answers();
  ASSERT_THAT(got.given, SizeIs(1));
  EXPECT_EQ(got.given[0].body.at("got").at("text").get<std::string>(), std::string(5'000'000, 'x'));
}

TEST_F(PredecessorsTest, SeveralQuestionsAreToldApart) {
  begin({&first});
  first.silent = true;
  std::vector<std::string> got;
  for (std::string name : {"a", "b", "c"}) {
    newest->ask(name, Json::object(), [&got, name](const Predecessors::Answers& answers) {
      got.push_back(name + "=" + answers.given.at(0).body.at("is").get<std::string>());
    });
  }
  ASSERT_TRUE(run_until([&] { return first.kept.size() >= 4; })) << "and the poll";
  for (size_t i = first.kept.size(); i-- > 0;) first.kept[i](200, {{"is", first.asked[i]}, {"sessions", 0}});
  ASSERT_TRUE(run_until([&] { return got.size() == 3; }));
  EXPECT_THAT(got, testing::UnorderedElementsAre("a=a", "b=b", "c=c"));
}

TEST_F(PredecessorsTest, OneThatHangsIsNamedAndTheOtherHeard) {
  begin({&first, &second});
  first.silent = true;
  const uint64_t started_ms = clock_ms();
  ask();
  auto got = answers();
  EXPECT_GE(clock_ms() - started_ms, Predecessors::kPatienceMs - 100);
  EXPECT_THAT(got.given, SizeIs(1));
  ASSERT_THAT(got.missing, SizeIs(1));
  EXPECT_THAT(got.missing[0], HasSubstr("does not answer"));
  EXPECT_THAT(got.missing[0], HasSubstr("process " + std::to_string(getpid())));
  first.silent = false;
  for (auto& late : first.kept) late(200, {{"sessions", 1}, {"late", true}});
  ask();
  got = answers();
  EXPECT_THAT(got.given, SizeIs(2));
  for (const auto& each : got.given) EXPECT_FALSE(each.body.contains("late"));
}

// What a process finds when it wakes up is not done any more.
TEST_F(PredecessorsTest, NobodyDoesWhatNobodyWaitsFor) {
  begin({&first});
  ASSERT_TRUE(run_until([&] { return !first.asked.empty(); }));  // the poll
  auto end = first.successor.expect();                           // a link that is not served yet
  ASSERT_TRUE(end.has_value());
  first.asked.clear();
  const Json message = {{"ask", "kick"}, {"parameters", Json::object()}, {"until_ms", loop.now_ms() - 1}};
  auto octets = Json::to_cbor(message);
  say(*end, {9, static_cast<uint32_t>(octets.size()), 0}, octets);
  run_for(200);
  EXPECT_THAT(first.asked, IsEmpty());
}

TEST_F(PredecessorsTest, OneThatEndsIsGoneAndNotMissed) {
  begin({&first, &second});
  first.silent = true;
  ask();
  ASSERT_TRUE(run_until([&] { return !first.asked.empty(); }));
  first.successor.forget();
  auto got = answers();
  EXPECT_THAT(got.given, SizeIs(1));
  EXPECT_THAT(got.missing, IsEmpty());
  EXPECT_EQ(newest->size(), 1U);
  EXPECT_EQ(newest->counts().processes, 1U);
}

// Another process makes the pair, sends us one end, and drops its own.
struct Child {
  Child() {
    int way[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, way), 0);
    pid = fork();
    if (pid == 0) live(way[1]);
    close(way[1]);
    end = received(way[0]);
    go = Descriptor(way[0]);
  }
  ~Child() {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  [[noreturn]] static void live(int way) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0 || !sent(way, ends[0])) _exit(1);
    char word = 0;
    if (read(way, &word, 1) == 1) shutdown(ends[1], SHUT_RDWR);
    for (;;) pause();
  }
  struct Message {
    char word = 'x';
    iovec part = {&word, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
    msghdr whole = {nullptr, 0, &part, 1, room, sizeof(room), 0};
  };
  static bool sent(int way, int fd) {
    Message message;
    cmsghdr* head = CMSG_FIRSTHDR(&message.whole);
    *head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    std::memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    return sendmsg(way, &message.whole, 0) == 1;
  }
  static Descriptor received(int way) {
    Message message;
    int fd = -1;
    if (recvmsg(way, &message.whole, 0) == 1) std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message.whole)), sizeof(fd));
    return Descriptor(fd);
  }
  void break_link() { EXPECT_EQ(::write(go.get(), "x", 1), 1); }
  pid_t pid = 0;
  Descriptor end, go;
};

TEST_F(PredecessorsTest, OneThatLivesWithoutItsLinkIsMissedUntilItEnds) {
  Child child;
  std::vector<Descriptor> links;
  links.push_back(std::move(child.end));
  newest = std::make_unique<Predecessors>(loop, std::move(links));
  child.break_link();
  run_for(300);
  EXPECT_EQ(newest->size(), 1U);
  ask();
  EXPECT_THAT(answers().missing, ElementsAre(HasSubstr("process " + std::to_string(child.pid))));
  ask();
  kill(child.pid, SIGKILL);
  EXPECT_THAT(answers().missing, IsEmpty()) << "nobody waits for the dead";
  EXPECT_EQ(newest->size(), 0U);
}

TEST_F(PredecessorsTest, WhatItRefusesIsTold) {
  begin({&first});
  first.status = 404;
  ask();
  auto got = answers();
  EXPECT_THAT(got.given, IsEmpty());
  ASSERT_THAT(got.missing, SizeIs(1));
}

TEST_F(PredecessorsTest, TheirSessionsAreCounted) {
  first.sessions = 3;
  second.sessions = 39;
  begin({&first, &second});
  EXPECT_EQ(newest->counts().processes, 2U);
  EXPECT_TRUE(run_until([&] { return newest->counts().sessions == 42; }));
  first.successor.forget();
  EXPECT_TRUE(run_until([&] { return newest->counts().sessions == 39; }));
}

// The same ends, at another process: whoever hands them on hears nothing from then on.
TEST_F(PredecessorsTest, LinksAreHandedOn) {
  begin({&first, &second});
  first.silent = true;
  ask();
  ASSERT_TRUE(run_until([&] { return first.asked.size() >= 2; }));
  auto links = newest->hand_on();
  ASSERT_THAT(links, SizeIs(2));
  auto got = answers();
  ASSERT_FALSE(got.missing.empty());
  EXPECT_THAT(got.missing.back(), HasSubstr("an upgrade is under way"));
  ask();
  EXPECT_THAT(answers().missing, SizeIs(2)) << "also what is asked meanwhile";
  // The answer that was meant for the one before comes to the next one, and is none of his.
  Predecessors next(loop, std::move(links));
  newest->close();
  first.silent = false;
  first.kept[0](200, {{"late", true}});
  next.ask("who", Json::object(), [this](Predecessors::Answers answers) { told = std::move(answers); });
  told.reset();
  got = answers();
  EXPECT_THAT(got.given, SizeIs(2));
  for (const auto& each : got.given) EXPECT_FALSE(each.body.contains("late"));
  next.close();
}

// Nothing may come between that and the end of the links.
TEST_F(PredecessorsTest, WhoeverAsksAtThatMomentIsAnswered) {
  begin({&first});
  first.silent = true;
  ask();
  EXPECT_FALSE(told.has_value());
  { auto links = newest->hand_on(); }
  ASSERT_TRUE(told.has_value()) << "what was asked before";
  EXPECT_THAT(told->missing, SizeIs(1));
  ask();
  ASSERT_TRUE(told.has_value()) << "and after";
  EXPECT_THAT(told->missing, ElementsAre(HasSubstr("an upgrade is under way")));
  newest->close();
}

TEST_F(PredecessorsTest, ASuccessorThatFailsGivesThemBack) {
  begin({&first});
  { auto links = newest->hand_on(); }
  newest->go_on();
  ask();
  EXPECT_THAT(answers().given, SizeIs(1));
}

TEST_F(PredecessorsTest, WhoTakesNothingIsNotWaitedFor) {
  Descriptor end = begin_raw();
  int asked = 0;
  std::string missing;
  for (int i = 0; i < 30; ++i) {
    newest->ask("who", {{"text", std::string(100'000, 'x')}}, [&](const Predecessors::Answers& answers) {
      ++asked;
      missing = answers.missing.at(0);
    });
  }
  EXPECT_TRUE(run_until([&] { return asked >= 20; }));
  EXPECT_THAT(missing, HasSubstr("does not answer"));
}

struct Strange {
  const char* what;
  LinkHead head;
  std::vector<uint8_t> octets;
};

// It is another program, or broken: its link ends, and nothing else does.
TEST_F(PredecessorsTest, WhatNoProcessOfOursWouldSay) {
  const std::vector<Strange> all = {
      {"no CBOR", {1, 3, 0}, {0xff, 0x00, 0x12}},
      {"no object", {1, 1, 0}, {0x01}},
      {"empty", {1, 0, 0}, {}},
      {"more than its size", {1, 2, 0}, {1, 2, 3}},
      {"behind its end", {1, 2, 3}, {}},
      {"far behind its end", {1, 100, 4'000'000'000}, {1}},
      {"too long", {1, Link::kMessageMax + 1, 0}, {1}},
  };
  for (const Strange& each : all) {
    Descriptor end = begin_raw();
    say(end, each.head, each.octets);
    EXPECT_TRUE(run_until([&] { return newest->size() == 0; })) << each.what;
    newest->close();
  }
  for (size_t size : {0U, 1U, 15U}) {
    Descriptor end = begin_raw();
    ASSERT_EQ(::send(end.get(), "................", size, 0), static_cast<ssize_t>(size));
    EXPECT_TRUE(run_until([&] { return newest->size() == 0; })) << size;
    newest->close();
  }
}

// The end of a message whose beginning another process has read; then answers of a shape that is not ours.
TEST_F(PredecessorsTest, PartsOfOldMessagesAndAnswersOfAnotherShape) {
  Descriptor end = begin_raw();
  run_for(100);  // the poll
  head_of(end);
  say(end, {77, 50, 40}, std::vector<uint8_t>(10, 'x'));
  const std::vector<Json> shapes = {Json::object(),
                                    {{"status", 200}},
                                    {{"status", "200"}, {"answer", Json::object()}},
                                    {{"status", 200}, {"answer", 7}},
                                    {{"status", 404}, {"answer", {{"error", 5}}}},
                                    {{"status", 404}, {"answer", Json::object()}}};
  for (const Json& shape : shapes) {
    ask();
    run_for(100);
    LinkHead head = head_of(end);
    auto octets = Json::to_cbor(shape);
    say(end, {head.number, static_cast<uint32_t>(octets.size()), 0}, octets);
    auto got = answers();
    EXPECT_THAT(got.given, IsEmpty()) << shape;
    ASSERT_THAT(got.missing, SizeIs(1)) << shape;
    EXPECT_THAT(got.missing[0], HasSubstr("not understood")) << shape;
  }
  EXPECT_EQ(newest->size(), 1U);
}

TEST_F(PredecessorsTest, QuestionsOfAnotherShape) {
  auto end = first.successor.expect();
  ASSERT_TRUE(end.has_value());
  for (const Json& shape :
       {Json{{"ask", "who"}}, Json{{"until_ms", "x"}}, Json{{"ask", 3}, {"until_ms", uint64_t{1} << 60}}}) {
    auto octets = Json::to_cbor(shape);
    say(*end, {5, static_cast<uint32_t>(octets.size()), 0}, octets);
    char room[1000];
    ssize_t size = -1;
    EXPECT_TRUE(run_until([&] { return (size = ::recv(end->get(), room, sizeof(room), MSG_DONTWAIT)) > 0; })) << shape;
    EXPECT_THAT(std::string(room, static_cast<size_t>(std::max<ssize_t>(size, 0))), HasSubstr("understand"));
  }
}

}  // namespace
}  // namespace postigo
