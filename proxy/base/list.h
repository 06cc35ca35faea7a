// List: an intrusive doubly linked list. An element unlinks itself on destruction; the list never owns.
//
// Single thread. T derives from ListNode<Tag>; one Tag per list that an element can be in.
#pragma once

#include <cstddef>

namespace postigo {

template <typename Tag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class List;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

template <typename T, typename Tag>
class List {
 public:
  List() { head_.next_ = head_.previous_ = &head_; }
  ~List() {
    while (!empty()) head_.next_->unlink();
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  void push_back(T& element) {
    ListNode<Tag>& node = element;
    node.unlink();
    node.next_ = &head_;
    node.previous_ = head_.previous_;
    head_.previous_->next_ = &node;
    head_.previous_ = &node;
  }
  // REQUIRES: not empty.
  T& pop_front() {
    ListNode<Tag>* node = head_.next_;
    node->unlink();
    return *static_cast<T*>(node);
  }
  // For walks that take several turns; null behind the last one.
  T* first() { return element(head_.next_); }
  T* next(T& after) { return element(static_cast<ListNode<Tag>&>(after).next_); }
  // Moves all elements of `other` to the back of this list, in one step.
  void take(List& other) {
    if (other.empty()) return;
    other.head_.next_->previous_ = head_.previous_;
    head_.previous_->next_ = other.head_.next_;
    other.head_.previous_->next_ = &head_;
    head_.previous_ = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }
  // `visit` may unlink the element that it is given, and no other.
  template <typename Visit>
  void for_each(Visit visit) {
    for (ListNode<Tag>* node = head_.next_; node != &head_;) {
      ListNode<Tag>* next = node->next_;
      visit(*static_cast<T*>(node));
      node = next;
    }
  }

 private:
  T* element(ListNode<Tag>* node) { return node == &head_ ? nullptr : static_cast<T*>(node); }

  ListNode<Tag> head_;
};

}  // namespace postigo
