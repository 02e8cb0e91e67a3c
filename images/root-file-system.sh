#!/bin/sh
# usage: root-file-system.sh FOLDER PROGRAM...
# Fills FOLDER with programs and what they load from this system, the packages' copyrights, and a note of each package in
# var/lib/dpkg/status.d, where scanners of images look for it. What lies in /usr/local is of no package.
set -eu
root=$1
shift
programs=$*

libraries=$(ldd $programs | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' | sort -u)
mkdir -p "$root/etc" "$root/var/lib/dpkg/status.d"
# On a merged /usr the linker's folders are links, and so they are here.
for link in /lib /lib64; do
  [ ! -L "$link" ] || cp -P "$link" "$root$link"
done
for file in $programs $libraries; do
  real=$(readlink -f "$file")
  # The name that programs ask for may be a link to the versioned file.
  usual=$(readlink -f "$(dirname "$file")")/$(basename "$file")
  mkdir -p "$root$(dirname "$real")" "$root$(dirname "$usual")"
  cp "$real" "$root$real"
  [ "$usual" = "$real" ] || ln -s "$real" "$root$usual"
done

for file in $libraries $programs; do
  case $file in /usr/local/*) continue ;; esac
  real=$(readlink -f "$file")
  # dpkg knows a file of a merged /usr by the name that its package gave it.
  dpkg-query -S "$real" 2>/dev/null || dpkg-query -S "${real#/usr}"
done | sed 's/:.*//' | sort -u | while read -r package; do
  dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package"
  echo >>"$root/var/lib/dpkg/status.d/$package"
  mkdir -p "$root/usr/share/doc/$package"
  cp "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/" || true
done

cp /images/passwd /images/group "$root/etc/"
cp /etc/os-release "$root/etc/"
mkdir -m 1777 "$root/tmp"
chmod -R go=rX "$root/etc" "$root/usr" "$root/var"
