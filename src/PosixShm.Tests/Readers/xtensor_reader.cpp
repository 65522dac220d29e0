// Prints each .npy file as xtensor reads it: dtype, shape and elements.
#if !__has_include(<xtensor/xnpy.hpp>)
#error "xtensor is missing: apt-get install libxtensor-dev"
#endif
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string>
#include <xtensor/xnpy.hpp>

template <class Range>
static void print(const Range &range)
{
    char separator = ' ';
    for (auto value : range) {
        std::cout << separator << static_cast<double>(value);
        separator = ',';
    }
}

// load_npy throws if the file's dtype is not that of T.
template <class T>
static bool load(const char *dtype, const char *path, std::string &error)
{
    try {
        auto array = xt::load_npy<T>(path);
        std::cout << dtype;
        print(array.shape());
        print(array);
        std::cout << '\n';
        return true;
    } catch (const std::runtime_error &problem) {
        error = problem.what();
        return false;
    }
}

int main(int count, char **paths)
{
    std::cout << std::setprecision(17);
    for (int i = 1; i < count; i++) {
        const char *path = paths[i];
        std::string error;
        bool is_read = load<bool>("b1", path, error) || load<std::uint8_t>("u1", path, error)
            || load<std::int32_t>("i4", path, error) || load<std::int64_t>("i8", path, error)
            || load<float>("f4", path, error) || load<double>("f8", path, error);
        if (!is_read) {
            std::cout << "error " << error << '\n';
        }
    }
}
