// The door to the program: hands the command line over and stops what no command should have let out.
#include <exception>
#include <iostream>

#include "proxy/options.h"

int main(int argc, char** argv) {
  try {
    return postigo::run_command_line(argc, argv, {std::cin, std::cout, std::cerr});
  } catch (const std::exception& error) {
    std::cerr << "postigo: " << error.what() << '\n';
    return postigo::commands::kFailed;
  }
}
